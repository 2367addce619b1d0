"""Rows to migrate: made up for a revision's schema, some with empty columns, some that a downgrade means to delete."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import psycopg

from dsaudit import scratch
from dsaudit.database.errors import first_line
from dsaudit.migrating.fingerprints import is_same, keys_of, renamed_columns, updated_columns
from dsaudit.migrating.model import Added, Former
from dsaudit.migrating.schema import Schema, columns
from dsaudit.migrating.stage import Stage
from dsaudit.scratch import Scratch, Table
from dsaudit.scratch.model import listed, quoted
from dsaudit.scratch.rows import Row, inserted, new_row, some_row, updated, violations

ROWS = 60  # of each table: several children of a parent, and each value of a short list
EMPTIED = 5  # of each column that may be empty, one row in so many
FRACTION = 0.37
CALL = re.compile(r"\w\(|current_|localtime", re.IGNORECASE)  # a default that is another one each time
FORBIDDEN = "rows that were there are empty, which the models do not allow"
Rows = dict[str, tuple[Row | None, str]]


def filled(stage: Stage, rows: int = ROWS, conditions: Mapping[str, str] | None = None) -> Scratch:
    """Fill the scratch database as it is now, and return it.

    Parameters
    ----------
    conditions
        By table: what some of its rows are to meet.
    """
    made = stage.secure()
    scratch.fill(made, rows)
    with stage.owner() as owner:
        owner.execute("set session_replication_role = replica")  # no trigger answers what is not the application's
        for table in (one for one in made.tables.values() if not one.partition_of):
            _make_uneven(owner, table)
    for name, condition in (conditions or {}).items():
        _make_some(made, name, condition)
    return made


def _make_uneven(owner: psycopg.Connection[Any], table: Table) -> None:
    """Give fractions to numbers, which a narrower type would cut, and empty some of each column that may be empty.

    Where a constraint refuses, the rows stay as they are.
    """
    bound = {name for key in table.keys for name in key.columns}
    bound |= {name for foreign in table.foreigns for name in foreign.columns}
    changes = [
        f"{quoted(one.name)} = {quoted(one.name)} + {FRACTION}"
        for one in table.settable
        if one.base in ("numeric", "float4", "float8") and not one.is_array and one.name not in bound
    ]
    for number, column in enumerate(one for one in table.settable if one.may_be_null):
        which = f"abs(hashtext(ctid::text)::bigint) % {EMPTIED} = {number % EMPTIED}"
        changes.append(f"{quoted(column.name)} = null where {which}")
    for change in changes:
        try:
            with owner.transaction():
                owner.execute(f"update {table.sql} set {change}".encode())
        except psycopg.Error:
            continue


def _make_some(made: Scratch, name: str, condition: str) -> None:
    """See that a few rows meet a condition, if none does; where no value is found that does, none will."""
    table = made.tables.get(name)
    with made.connect() as connection:
        try:
            if table is None or keys_of(connection, table, condition):
                return
        except psycopg.Error:
            return  # told where the condition is asked
        named = [one.name for one in table.settable if re.search(rf"\b{re.escape(one.name)}\b", condition)]
        row = some_row(connection, table)
        if row is None or not named:
            return
        others = [check.expression for check in table.checks]
        for values in violations(connection, made, table, row, named, f"({condition})", others, [condition]):
            try:
                with connection.transaction():
                    connection.execute(updated(table, row, values).encode())
                    return
            except psycopg.Error:
                continue


def former_rows(former: Scratch) -> Rows:
    """Return for each table a new row as this revision writes it, or why there is none."""
    found: Rows = {}
    with former.connect() as connection:
        for name, table in former.tables.items():
            if not table.partition_of:
                row, _, why = new_row(connection, former, name)
                found[name] = (row, why)
    return found


def accepted(revision: str, former: Scratch, rows: Rows, stage: Stage) -> Iterator[Former]:
    """Yield what becomes of each row of the former revision, and of reading all its columns, in the schema of now."""
    with stage.owner() as connection:
        for name, (row, why) in rows.items():
            yield _accepted(connection, revision, former.tables[name], row, why)


def _accepted(connection: psycopg.Connection[Any], revision: str, table: Table, row: Row | None, why: str) -> Former:
    name = f"{table.schema}.{table.name}"
    refused = _refusal(connection, f"select {listed(table.columns)} from {table.sql} limit 1")
    if refused:
        return Former(revision, name, refused.diag.column_name or "", f"reading: {first_line(refused)}")
    if row is None:
        return Former(revision, name, "", None, why)
    refused = _refusal(connection, inserted(table, row, {}))
    if refused is None:
        return Former(revision, name, "", None)
    if refused.sqlstate == "23505":
        return Former(revision, name, "", None, "its key is taken")
    return Former(revision, name, refused.diag.column_name or "", f"writing: {first_line(refused)}")


def _refusal(connection: psycopg.Connection[Any], statement: str) -> psycopg.Error | None:
    """The error with which a statement is refused; it is taken back."""
    try:
        with connection.transaction(force_rollback=True):
            connection.execute("set constraints all immediate")
            connection.execute(statement.encode())
    except psycopg.Error as error:
        return error
    return None


def added_columns(before: Schema, after: Schema, statements: Sequence[str] = ()) -> list[tuple[str, str]]:
    """Return the columns that tables got which were there before; one that was renamed is none."""
    old = {part[1] for part in before if part[0] == "table"}
    new = {part[1] for part in after if part[0] == "table"}
    return [
        (table, name)
        for table in sorted(old & new)
        for name in columns(after, table)
        if name not in columns(before, table) and name not in renamed_columns(statements, table).values()
    ]


def defaults(
    revision: str,
    stage: Stage,
    now: Scratch,
    added: Sequence[tuple[str, str]],
    models: Mapping[tuple[str, str], Mapping[str, Any]],
    rows: Rows,
    former: Scratch,
    statements: Sequence[str] = (),
) -> Iterator[Added]:
    """Yield what the rows that were there, and one that is inserted without it, have in each new column.

    Whatever stands in a row that was there has come from the revision, which may mean another value for it than for
    rows to come; that it has none is meant where the revision's own update sets the column.
    """
    with stage.owner() as connection:
        for name, column in added:
            table, model = now.tables[name], models.get((name, column))
            own, empty = table.columns[column].default, f"t.{quoted(column)} is null"
            wanted = own if own is not None or model is None else model["default"]
            has_empty = _any(connection, table, empty)
            problem = None
            if wanted is None:
                if model and not model["nullable"] and has_empty:
                    problem = FORBIDDEN
                yield Added(revision, name, column, None, problem)
                continue
            other = empty if CALL.search(wanted) else f"not ({is_same(table, column, wanted)})"
            if has_empty and column in updated_columns(statements, name):
                problem = FORBIDDEN if model and not model["nullable"] else None
            elif has_empty and _any(connection, table, f"{empty} and {other}"):
                problem = "rows that were there do not have it"
            elif not _is_given(connection, former.tables[name], rows.get(name, (None, ""))[0], other):
                problem = "a row that is inserted without the column does not get it"
            yield Added(revision, name, column, wanted, problem)


def _any(connection: psycopg.Connection[Any], table: Table, condition: str) -> bool:
    with connection.transaction():
        return connection.execute(f"select from {table.sql} as t where {condition} limit 1".encode()).rowcount > 0


def _is_given(connection: psycopg.Connection[Any], former: Table, row: Row | None, other: str) -> bool:
    """Whether a row of the former columns gets the default, or cannot be inserted, which is told elsewhere."""
    if row is None:
        return True
    try:
        with connection.transaction(force_rollback=True):
            found = connection.execute(f"{inserted(former, row, {})} returning ({other})".encode()).fetchall()
            return not any(is_other for (is_other,) in found)
    except psycopg.Error:
        return True
