"""Fingerprints of rows, table by table and column by column, before and after a revision."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import psycopg

from dsaudit.scratch.model import Table, listed, literal, quoted

RENAMED_COLUMN = re.compile(
    r"alter\s+table\s+(?:if\s+exists\s+)?(?:only\s+)?(\S+)\s+rename\s+(?:column\s+)?(?!to\b|constraint\b)"
    r'("[^"]+"|\w+)\s+to\s+("[^"]+"|\w+)',
    re.IGNORECASE,
)
RENAMED_TABLE = re.compile(
    r'alter\s+table\s+(?:if\s+exists\s+)?(?:only\s+)?(\S+)\s+rename\s+to\s+("[^"]+"|\w+)', re.IGNORECASE
)
DROPPED_COLUMN = re.compile(r'drop\s+column\s+(?:if\s+exists\s+)?("[^"]+"|\w+)', re.IGNORECASE)
BLANK = r"^(0*\.?0*|false|\{\}|\[\])$"  # a value that says nothing
TEXT = re.compile(r"'(?:[^']|'')*'")
INNERMOST = re.compile(r"\([^()]*\)")
ENDING = re.compile(r"\b(?:from|where|returning)\b", re.IGNORECASE)  # of what an update sets
UPDATED = re.compile(r"update\s+(?:only\s+)?(\S+)(?:\s+(?:as\s+)?\w+)?\s+set\s+(.*)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Print:
    """A column's rows: how many there are, how many are null, how many values differ, and two sums over them.

    `placed` is of the values together with the primary key of their rows; `alone` of the values by themselves.
    """

    rows: int
    nulls: int
    distinct: int
    placed: str
    alone: str


@dataclass(frozen=True)
class Loss:
    """What became of a column, or of a table where `column` is empty; `is_meant` where the revision itself says so."""

    table: str
    column: str
    problem: str
    before: str
    after: str
    is_meant: bool = False


Prints = Mapping[str, Print]  # by column


def taken(
    connection: psycopg.Connection[Any],
    table: Table,
    before: Table | None = None,
    names: Mapping[str, str] | None = None,
) -> dict[str, Print]:
    """Return the fingerprints of a table's columns.

    Parameters
    ----------
    before
        The table as it was: its columns alone are read, in their former type, by the former key.
    names
        What the former columns are called now, where that is another name.
    """
    names, former = names or {}, before or table
    now = {column.name: names.get(column.name, column.name) for column in former.settable}
    there = {old: new for old, new in now.items() if new in table.columns}
    key = next((one.columns for one in former.keys if one.kind == "primary key"), ())
    keys = [_text(former, old, there[old]) for old in key if old in there]
    place = f"concat_ws('|', {', '.join(keys)})" if keys and len(keys) == len(key) else "''"
    found = {}
    for old, new in there.items():
        value = _text(former, old, new)
        query = (
            f"select count(*), count(*) filter (where t.{quoted(new)} is null), count(distinct {value}), "
            f"coalesce(sum(hashtextextended({place} || chr(1) || coalesce({value}, chr(2)), 0)::numeric), 0)::text, "
            f"coalesce(sum(hashtextextended(coalesce({value}, chr(2)), 0)::numeric), 0)::text from {table.sql} as t"
        )
        try:
            with connection.transaction():
                row = connection.execute(query.encode()).fetchone()
        except psycopg.Error:  # what is there now cannot be read as what it was
            row = connection.execute(f"select count(*), 0, 0, 'unlike', 'unlike' from {table.sql}".encode()).fetchone()
        assert row is not None
        found[old] = Print(*row)
    return found


def _text(former: Table, old: str, new: str) -> str:
    """A value as text, in the type that it had: 1.50 and 1.5000 are the same where it was rounded to cents."""
    kind = former.columns[old].type
    given = f"t.{quoted(new)}"
    if former.columns[old].kind == "e" or "[]" in kind:
        return f"({given})::text"
    return f"(({given})::jsonb)::text" if kind in ("json", "jsonb") else f"(({given})::{kind})::text"


def renamed_tables(statements: Sequence[str]) -> dict[str, str]:
    """Return the former names of renamed tables with the new ones, both as "schema.table"."""
    found = {}
    for statement in statements:
        for old, new in RENAMED_TABLE.findall(statement):
            whole = whole_name(old)
            found[whole] = f"{whole.partition('.')[0]}.{_bare(new)}"
    return found


def renamed_columns(statements: Sequence[str], table: str) -> dict[str, str]:
    """Return the former names of a table's renamed columns with the new ones."""
    every = (one for statement in statements for one in RENAMED_COLUMN.findall(statement))
    return {_bare(old): _bare(new) for of, old, new in every if whole_name(of) == table}


def updated_columns(statements: Sequence[str], table: str) -> set[str]:
    """Return the columns of a table that a revision's own updates set."""
    found = set()
    for statement in statements:
        for part in TEXT.sub("''", statement).split(";"):
            for of, sets in UPDATED.findall(part):
                if whole_name(of) == table:
                    own = ENDING.split(_flat(sets))[0]
                    found |= {_bare(one) for one in re.findall(r'("[^"]+"|\w+)\s*=(?!=)', own)}
    return found


def _flat(text: str) -> str:
    """A text without what stands in parentheses: the conditions there set nothing."""
    count = 1
    while count:
        text, count = INNERMOST.subn(" ", text)
    return text


def losses(
    before: Mapping[str, Prints],
    after: Mapping[str, Prints],
    tables: Mapping[str, str],
    updated: Mapping[str, set[str]],
) -> Iterator[Loss]:
    """Yield what became of the columns that are not the same any more.

    Parameters
    ----------
    before, after
        Fingerprints by table, under its former name, and by column.
    tables
        The tables that are there, by former name.
    updated
        By table the columns that the revision sets itself.
    """
    for table, columns in before.items():
        rows = next((one.rows for one in columns.values()), 0)
        if not rows:
            continue
        if table not in tables:
            yield Loss(table, "", "the table is gone", f"{rows} rows", "none", is_meant=True)
            continue
        now = after.get(table, {})
        left = next((one.rows for one in now.values()), rows)
        if left != rows:
            words = "rows are gone" if left < rows else "rows came"
            yield Loss(table, "", words, f"{rows} rows", f"{left} rows", is_meant=left > rows)
            continue
        for column, one in columns.items():
            if column not in now:
                yield Loss(table, column, "the column is gone", f"{one.distinct} values", "none", is_meant=True)
            elif one != now[column]:
                yield _changed(table, column, one, now[column], column in updated.get(table, set()))


def _changed(table: str, column: str, before: Print, after: Print, is_own: bool) -> Loss:
    lost = after.distinct < before.distinct or after.nulls > before.nulls
    emptied = after.nulls == after.rows and before.nulls < before.rows
    moved = before.alone == after.alone and before.placed != after.placed
    problem = "values are empty now" if emptied else "values lie in other rows" if moved else "values are others now"
    there, now = (f"{one.distinct} values, {one.nulls} empty" for one in (before, after))
    return Loss(table, column, problem, there, now, is_meant=is_own and not lost)


def whole_name(name: str) -> str:
    """Return a table's name in a statement as "schema.table"."""
    parts = [_bare(part) for part in name.split(".")]
    return ".".join(parts if len(parts) > 1 else ["public", *parts])


def _bare(name: str) -> str:
    return name.strip('"')


def unmeant(connection: psycopg.Connection[Any], loss: Loss, former: Table, now: Table, added: Sequence[str]) -> Loss:
    """Return the loss of a column as one that is not meant, where a new column of its type stands for it, and is blank.

    That is how a change of name is written by who generates it from models. A new column with values is none: these
    were copied, or are a default that says something.
    """
    old = former.columns[loss.column]
    for name in added:
        if now.columns[name].type != old.type:
            continue
        value = f"t.{quoted(name)}"
        blank = f"{value} is null or {value}::text ~ '{BLANK}'"
        blank += f" or {is_same(now, name, old.default)}" if old.default else ""
        if not connection.execute(f"select from {now.sql} as t where not ({blank}) limit 1".encode()).rowcount:
            words = f"the column is gone, and {name} of the same type, which is new, has none of its values"
            return replace(loss, problem=words, is_meant=False)
    return loss


def keys_of(connection: psycopg.Connection[Any], table: Table, condition: str = "true") -> dict[str, int]:
    """Return the primary keys of the rows that meet a condition, as text; without a key the rows themselves.

    Raises
    ------
    psycopg.Error
        The condition cannot be asked.
    """
    key = next((one.columns for one in table.keys if one.kind == "primary key"), ())
    value = f"row({listed(key)})::text" if key else "t::text"
    with connection.transaction():
        query = f"select {value}, count(*) from {table.sql} as t where ({condition}) group by 1"
        return dict(connection.execute(query.encode()).fetchall())


def is_same(table: Table, column: str, expression: str) -> str:
    """Return a condition on ``t``: a column has the value of an expression, by their texts."""
    kind = table.columns[column].type
    return f"t.{quoted(column)}::text is not distinct from (({expression})::{kind})::text"


def of_json(table: Table, values: str) -> str:
    """Return a row in JSON as a source of rows, named ``r``."""
    return f"pg_catalog.jsonb_populate_record(null::{table.sql}, {literal(values)}::jsonb) as r"
