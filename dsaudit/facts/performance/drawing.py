"""The values that a declared query is run with: those of the file, and some of the tables' own, drawn by a seed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from psycopg import sql

from dsaudit.database import TableInfo
from dsaudit.database.errors import RelationMissing
from dsaudit.parameters.performance import Query, Valued

Values = dict[str, Any]
Rows = Callable[[str], list[tuple[Any, ...]]]  # runs a select
Tables = Callable[[str], TableInfo]  # of a resource

SETS = 5  # sets of values that a query is run with
SEED = 1
MOST = 100_000  # rows of a table that are looked at; of a larger one
SAMPLED = 20_000  # about so many, from pages all over it


def values_of(one: Valued, rows: Rows, table: Tables, sets: int = SETS) -> list[Values]:
    """Return the sets of values of a query; none where a table has too few rows to draw them from.

    Raises
    ------
    RelationMissing
        There is no such table or column.
    """
    if not one.drawn:
        return [dict(one.values)]
    size = one.size if isinstance(one, Query) and one.kind == "batch" else 0
    drawn = [_drawn(names, size, rows, table(resource), sets) for resource, names in _by_resource(one).items()]
    count = min(map(len, drawn))
    return [
        {**one.values, **{name: value for part in drawn for name, value in part[at].items()}} for at in range(count)
    ]


def _by_resource(one: Valued) -> dict[str, dict[str, str]]:
    """Return the columns that are drawn, by resource and name of the value."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for name, place in one.drawn.items():
        resource, _, column = place.partition(".")
        found[resource][name] = column
    return found


def _drawn(names: dict[str, str], size: int, rows: Rows, table: TableInfo, sets: int) -> list[Values]:
    """Return sets of values of one resource's columns: each a value, or a list of `size` where that is not 0."""
    columns = list(dict.fromkeys(names.values()))
    listed = list(names.values())
    together = max(listed.count(column) for column in columns)  # rows that a set is made of
    each = together * max(size, 1)
    found = rows(_select(table, columns, sets * each, rows))
    chunks = [found[start : start + each] for start in range(0, len(found), each)]
    whole = [chunk for chunk in chunks if len(chunk) == each] or [one for one in chunks if len(one) >= together]
    places = {
        name: (columns.index(column), listed[:at].count(column)) for at, (name, column) in enumerate(names.items())
    }
    return [
        {
            name: [row[at] for row in chunk[turn::together]] if size else chunk[turn][at]
            for name, (at, turn) in places.items()
        }
        for chunk in whole
    ]


def _select(table: TableInfo, columns: list[str], count: int, rows: Rows) -> str:
    """Return the select of different values of a table's columns, the same each time on the same rows."""
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise RelationMissing(f"the table {table.schema}.{table.name} has no column {missing[0]}")
    source, names = sql.Identifier(table.schema, table.name), [sql.Identifier(column) for column in columns]
    listed = sql.SQL(", ").join(names)
    known = sql.SQL(" and ").join(sql.SQL("{} is not null").format(name) for name in names)
    few = sql.SQL("select distinct {} from (select {} from {} {} where {} limit {}) as few").format(
        listed, listed, source, _part(table, source, rows), known, sql.Literal(MOST)
    )
    order = sql.SQL("pg_catalog.md5(row({})::text || {}), {}").format(listed, sql.Literal(str(SEED)), listed)
    chosen = sql.SQL("select {} from ({}) as different order by {} limit {}")
    return chosen.format(listed, few, order, sql.Literal(count)).as_string(None)


def _part(table: TableInfo, source: sql.Identifier, rows: Rows) -> sql.SQL | sql.Composed:
    """Return which pages of a large table are looked at."""
    if not table.is_stored:
        return sql.SQL("")
    size = sql.SQL("select reltuples::float8 from pg_catalog.pg_class where oid = {}::pg_catalog.regclass")
    known = float(rows(size.format(sql.Literal(source.as_string(None))).as_string(None))[0][0])
    if known <= MOST:
        return sql.SQL("")
    percent = sql.Literal(100 * SAMPLED / known)
    return sql.SQL("tablesample system ({}) repeatable ({})").format(percent, sql.Literal(SEED))
