"""What the scratch copy is made of: its tables with all that constrains them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg

LONGEST_STATEMENT = 600  # seconds; a trigger or function of the audited schema may not end by itself


class ScratchError(Exception):
    """The scratch copy cannot be made or used; the message is one line for the user, without secrets or data."""


@dataclass(frozen=True)
class Domain:
    """A domain's own rules, those of the domains below it included: constraint name and text with VALUE in it."""

    name: str
    checks: tuple[tuple[str, str], ...]
    not_null: bool


@dataclass(frozen=True)
class Column:
    """A column. `type` is as declared; `base` and `kind` are PostgreSQL's short name and kind of what lies below."""

    name: str
    type: str
    base: str  # without domain and array: int4, text, or an enum's or range's own name as SQL writes it
    kind: str  # b base, e enum, r range, m multirange, c composite
    modifier: int
    is_array: bool
    nullable: bool
    default: str | None
    generated: str  # "", s stored, v virtual
    identity: str  # "", a always, d by default
    computed_from: tuple[str, ...]
    labels: tuple[str, ...]
    part: str | None  # the type of a range's bounds
    domain: Domain | None

    @property
    def may_be_null(self) -> bool:
        """Whether neither the column nor its domain refuses null."""
        return self.nullable and not (self.domain and self.domain.not_null)

    @property
    def storage(self) -> str:
        """The type to cast to so that a domain's rules are not asked yet."""
        return self.base + ("[]" if self.is_array else "") if self.domain else self.type


@dataclass(frozen=True)
class Key:
    """A primary key, a unique constraint or index, or an exclusion constraint."""

    name: str
    kind: str  # primary key, unique, exclusion
    columns: tuple[str, ...]  # all that it reads, of its predicate and expressions too
    operators: tuple[str, ...]  # of an exclusion, one for each plain column
    predicate: str | None
    nulls_distinct: bool
    expressions: tuple[str, ...]  # all of them, where it is not of columns alone
    is_immediate: bool
    inherited: bool


@dataclass(frozen=True)
class Check:
    """A check constraint: the columns it reads and its expression."""

    name: str
    columns: tuple[str, ...]
    expression: str
    validated: bool
    inherited: bool


@dataclass(frozen=True)
class Foreign:
    """A foreign key: its columns, what they refer to, and what it does on delete."""

    name: str
    names: frozenset[str]  # its own and those that it has between partitions, which errors tell
    columns: tuple[str, ...]
    parent: str
    keys: tuple[str, ...]
    on_delete: str  # no_action, restrict, cascade, set_null, set_default
    set_columns: tuple[str, ...]  # those that set null or set default touches, where not all
    deferrable: bool
    validated: bool
    inherited: bool


@dataclass(frozen=True)
class Policy:
    """A row-level security policy as the catalogue has it; no roles means everybody."""

    name: str
    command: str
    permissive: bool
    roles: tuple[str, ...]
    using: str | None
    check: str | None


@dataclass(frozen=True)
class Table:
    """A table of the copy; a partition is one too, of which only its own rules are listed."""

    schema: str
    name: str
    columns: dict[str, Column]
    keys: list[Key]
    checks: list[Check]
    foreigns: list[Foreign]
    indexes: list[str]
    policies: list[Policy]
    row_security: bool
    forced: bool
    partition_of: str | None
    bounds: str | None  # of a partitioned table: what a row must fulfil to find a partition

    @property
    def sql(self) -> str:
        """The table's name in SQL."""
        return f"{quoted(self.schema)}.{quoted(self.name)}"

    @property
    def settable(self) -> list[Column]:
        """The columns that a statement may give a value."""
        return [column for column in self.columns.values() if not column.generated]

    def sources(self, columns: Iterable[str]) -> tuple[str, ...]:
        """The columns to be set so that these change: of a computed one, those that it is computed from."""
        found: dict[str, None] = {}
        for name in columns:
            column = self.columns[name]
            found.update(dict.fromkeys(column.computed_from if column.generated else (name,)))
        return tuple(found)

    def image(self, values: Mapping[str, str], source: str) -> str:
        """Select one row image per row of `source`: `values` by column, computed columns after them."""
        given = ", ".join(f"{value} as {quoted(name)}" for name, value in values.items())
        ready = {*values}
        computed = "".join(
            f", ({column.default}) as {quoted(column.name)}"
            for column in self.columns.values()
            if column.generated and ready.issuperset(column.computed_from)
        )
        return f"select image.*{computed} from (select {given} from {source}) as image"


@dataclass(frozen=True)
class Scratch:
    """A copy of the audited schema. `url` is a superuser's, `worker_url` of a role that may write every table."""

    url: str = field(repr=False)
    worker_url: str = field(repr=False)
    version: int
    tables: dict[str, Table]  # by "schema.name"
    left_out: list[str]  # what is not in the copy, each with the reason in words
    shortfalls: dict[str, str] = field(default_factory=dict)  # tables with fewer rows than asked for, and why
    counts: dict[str, int] = field(default_factory=dict)  # how many rows each table was filled with
    plans: dict[str, Any] = field(default_factory=dict, repr=False)  # how each table was filled

    def connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        """Connect as the role that fills and attacks: it passes row-level security, and is no superuser.

        Triggers and functions of the audited schema run in such a session, so they cannot reach this machine.
        """
        options = f"-c statement_timeout={LONGEST_STATEMENT}s"
        return psycopg.connect(
            self.worker_url, application_name="dsaudit/scratch", prepare_threshold=None, options=options
        )


def quoted(name: str) -> str:
    """Return an identifier for SQL."""
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def literal(value: str) -> str:
    """Return a string for SQL; backslashes mean themselves."""
    doubled = value.replace("'", "''")
    return f"'{doubled}'"


def listed(names: Iterable[str]) -> str:
    """Return identifiers for SQL, separated by commas."""
    return ", ".join(map(quoted, names))
