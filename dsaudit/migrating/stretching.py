"""Values that use the room which a revision gave to a column: what its former type does not hold."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from dsaudit.database.errors import first_line
from dsaudit.migrating.project import RevisionError
from dsaudit.migrating.schema import Schema, columns
from dsaudit.scratch import Scratch, Table
from dsaudit.scratch.model import quoted

ROWS = 2  # of each column that are given such a value
MOST_TRIED = 25  # rows, as others may refer to one, or a check refuse it
AFTER_TYPE = re.compile(r" (?:not null|default|generated always as|identity)\b.*", re.DOTALL)
OF_LENGTH = re.compile(r"character(?: varying)?\((\d+)\)")
OF_DIGITS = re.compile(r"numeric\((\d+),(-?\d+)\)")
BEYOND = {"smallint": 2**15, "integer": 2**31, "bigint": 2**63, "real": 10**39}  # the first number that is too large
ALWAYS_GENERATED = "428C9"


@dataclass(frozen=True)
class Stretched:
    """A column that has values which its former type does not hold; `untried` is why none of its rows took one."""

    table: str
    column: str
    former: str
    untried: str = ""


def stretched(
    connection: psycopg.Connection[Any], before: Schema, made: Scratch, spared: Mapping[str, str]
) -> Iterator[Stretched]:
    """Give such values to a few rows of each column whose type is another one now, and yield the column.

    Parameters
    ----------
    before
        The schema before the revision.
    spared
        By table: a condition on rows that are left as they are.
    """
    for name, table in made.tables.items():
        former = {} if table.partition_of else columns(before, name)
        for column in table.settable:
            kind = AFTER_TYPE.sub("", former.get(column.name, ""))
            tried = _beyond(kind, quoted(column.name)) if kind != column.type else []
            if not tried:
                continue
            refused = _written(connection, table, column.name, tried, spared.get(name, "false"))
            if refused is None:
                yield Stretched(name, column.name, kind)
            elif refused.sqlstate == ALWAYS_GENERATED or (refused.sqlstate or "")[:2] not in ("22", "42"):
                # Otherwise the type of now does not hold it either.
                yield Stretched(name, column.name, kind, first_line(refused))


def _beyond(kind: str, given: str) -> list[str]:
    """Expressions for values that a type does not hold, the one that is there within; none where it holds all."""
    if found := OF_LENGTH.fullmatch(kind):
        text, length = f"coalesce({given}::text, '')", int(found[1]) + 1
        return [f"rpad({text}, {length}, 'x')", f"lpad({text}, {length}, 'x')", f"rpad({text}, {length}, '0')"]
    digits = OF_DIGITS.fullmatch(kind)
    first = 10 ** max(int(digits[1]) - int(digits[2]), 0) if digits else BEYOND.get(kind)
    return [f"{first} + {{n}}", f"-{first} - 1 - {{n}}"] if first else []


def _written(
    connection: psycopg.Connection[Any], table: Table, column: str, values: Sequence[str], spared: str
) -> psycopg.Error | None:
    """Give values to a few rows; return why none took one."""
    refused: psycopg.Error | None = None
    written = 0
    for number, (partition, place) in enumerate(_places(connection, table, spared)):
        for value in values:
            try:
                with connection.transaction():
                    connection.execute("set constraints all immediate")
                    connection.execute(
                        f"update {table.sql} set {quoted(column)} = {value.replace('{n}', str(number))} "
                        f"where tableoid = {partition} and ctid = '{place}'".encode()
                    )
                written += 1
                break
            except psycopg.Error as error:
                refused = refused or error
        if written == ROWS:
            break
    return None if written else refused


def _places(connection: psycopg.Connection[Any], table: Table, spared: str) -> list[tuple[int, str]]:
    """Where rows lie: the last first, as what others refer to comes first."""
    for condition in (f"({spared}) is not true", "true"):
        query = f"select tableoid::bigint, ctid::text from {table.sql} as t where {condition}"
        try:
            with connection.transaction():
                found = connection.execute(f"{query} order by ctid desc limit {MOST_TRIED}".encode()).fetchall()
        except psycopg.Error:  # a condition that cannot be asked, which is told where it is declared
            continue
        return [(int(partition), str(place)) for partition, place in found]
    return []


def place_of(error: RevisionError, columns: Sequence[Stretched]) -> tuple[str, str]:
    """Return the table and the column that an error is about; of a value that is too large PostgreSQL names neither."""
    table, column = str(error.told.get("table") or ""), str(error.told.get("column") or "")
    if table or not str(error.told.get("sqlstate") or "").startswith("22"):
        return table, column
    words, tried = str(error.told.get("words")), [one for one in columns if not one.untried]
    exact = [one for one in tried if one.former in words]
    meant = exact or [one for one in tried if one.former.partition("(")[0] in words] or tried
    return ", ".join(dict.fromkeys(one.table for one in meant)), ", ".join(dict.fromkeys(one.column for one in meant))
