"""The section ``performance``: the queries that have to stay quick, and what runs at once without getting stuck."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from dsaudit.parameters.section import NAME, Section

Kind = Literal["simple", "join", "constraint", "batch", "aggregation"]
Value = str | int | float | bool | None
BUDGETS: dict[Kind, float] = {"simple": 500, "join": 1000, "constraint": 100, "batch": 2000, "aggregation": 300}  # ms
# The power of the tables' size by which a query of each kind may grow: a look-up hardly at all, a count with the rows.
GROWTH: dict[Kind, float] = {"simple": 0.5, "join": 0.5, "constraint": 1.2, "batch": 0.5, "aggregation": 1.2}
MOST_AT_ONCE = 16
_SELECT = re.compile(r"\s*(select|with)\b", re.IGNORECASE)
_CHANGE = re.compile(r"\s*(insert|update|delete|merge|select|with|lock)\b", re.IGNORECASE)
_SLOT = re.compile(r"%\((\w+)\)s")


def _statement(value: str) -> str:
    if ";" in value or "--" in value or "/*" in value:
        raise ValueError("one statement is expected, without a semicolon and without a comment")
    if "%" in _SLOT.sub("", value).replace("%%", ""):
        raise ValueError("a bare % is taken for a value; write %%, and a value as %(name)s")
    return value


def _select(value: str) -> str:
    if not _SELECT.match(value):
        raise ValueError("one select is expected")
    return _statement(value)


def _change(value: str) -> str:
    if not _CHANGE.match(value):
        raise ValueError("a statement that reads or changes rows is expected")
    return _statement(value)


def _column(value: str) -> str:
    if not re.fullmatch(r"[^.]+\.[^.]+", value):
        raise ValueError("a resource and its column are expected, such as order.id")
    return value


def slots(*statements: str) -> set[str]:
    """Return the names of the values that statements ask for."""
    return {name for one in statements for name in _SLOT.findall(one)}


Select = Annotated[str, AfterValidator(_select)]
Change = Annotated[str, AfterValidator(_change)]
Column = Annotated[str, AfterValidator(_column)]


class Valued(Section):
    """What takes values by name: those of `values` as they stand, those of `drawn` from the rows that there are.

    `drawn` names a column, such as ``asset.discovery_flow_id``, of which some values are taken, always by the same
    seed. What is drawn of one resource comes from one row; a column that is drawn twice, from as many rows.
    """

    name: str = Field(pattern=NAME)
    values: dict[str, Value | list[Value]] = {}
    drawn: dict[str, Column] = {}

    def refuse_unless_given(self, asked: set[str]) -> None:
        """Raise `ValueError` where a value is asked for and not given, given and not asked for, or given twice."""
        given = {*self.values, *self.drawn}
        if twice := sorted({*self.values} & {*self.drawn}):
            raise ValueError(f"{twice[0]} is given twice, under values and under drawn")
        if lacking := sorted(asked - given):
            raise ValueError(f"%({lacking[0]})s has no value; give it under values or drawn")
        if needless := sorted(given - asked):
            raise ValueError(f"{needless[0]} is given a value that nothing asks for as %({needless[0]})s")


class Query(Valued):
    """One select of the application that has to stay quick, its tables named with their schema.

    `kind` decides what it may take and how it may grow with its tables, unless `milliseconds` and `power` say so:
    twice the rows may make 2 to that power as much work. Of a `batch`, each value that is drawn is a list of `size`.
    """

    sql: Select
    kind: Kind = "simple"
    milliseconds: float | None = Field(None, gt=0)
    power: float | None = Field(None, ge=0, le=3)
    size: int = Field(100, ge=1, le=10_000)

    @model_validator(mode="after")
    def _whole(self) -> Query:
        self.refuse_unless_given(slots(self.sql))
        if "size" in self.model_fields_set and self.kind != "batch":
            raise ValueError("size is of a batch alone")
        return self

    @property
    def budget(self) -> float:
        """How long it may take, in milliseconds."""
        return self.milliseconds or BUDGETS[self.kind]

    @property
    def allowed_power(self) -> float:
        """The power of the tables' size by which it may grow."""
        return GROWTH[self.kind] if self.power is None else self.power


class AtOnce(Valued):
    """Transactions that the application runs at once, each a list of statements; run on the scratch copy alone."""

    transactions: list[Annotated[list[Change], Field(min_length=1)]]

    @model_validator(mode="after")
    def _whole(self) -> AtOnce:
        if not 2 <= len(self.transactions) <= MOST_AT_ONCE:
            raise ValueError(f"two to {MOST_AT_ONCE} transactions can run at once")
        self.refuse_unless_given(slots(*(one for statements in self.transactions for one in statements)))
        return self


class Performance(Section):
    """What has to stay quick.

    `scan_rows`: from so many rows on, to read a table for little of it is a finding. `rows` is the largest of the three
    sizes at which the scratch copy is filled, a quarter and a sixteenth of it are the others. `statement_milliseconds`
    is what a statement of the application may take on average, as pg_stat_statements has counted; judged only if given.
    """

    queries: list[Query] = []
    at_once: list[AtOnce] = []
    scan_rows: int = Field(1000, ge=1)
    rows: int = Field(16_000, ge=160, le=10_000_000)
    statement_milliseconds: float | None = Field(None, gt=0)

    @property
    def sections(self) -> dict[str, Sequence[Valued]]:
        """What takes values by name, by the key under which it stands."""
        return {"queries": self.queries, "at_once": self.at_once}

    @property
    def sizes(self) -> list[int]:
        """How many rows each table of the scratch copy is given, one after the other."""
        return [self.rows // 16, self.rows // 4, self.rows]
