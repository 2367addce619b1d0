"""Tools that compare a table with a table: the export of the source with the refined rows that are not deleted."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from dsaudit.parameters import Resource
from tests.faults.rivals.declared import living
from tests.faults.rivals.exported import Row, columns_of
from tests.faults.rivals.looking import Look

if TYPE_CHECKING:
    import polars


def refined(look: Look, resource: Resource) -> list[Row]:
    """The living rows of a refined table, with the columns that are compared."""
    columns = sql.SQL(", ").join(map(sql.Identifier, columns_of(resource)))
    query = sql.SQL("select {} from {}").format(columns, sql.Identifier(resource.table))
    if condition := living(resource):
        query += sql.SQL(" where " + condition)
    with psycopg.connect(look.url, row_factory=dict_row) as connection:
        return [{**row, **_key_as_text(row, resource)} for row in connection.execute(query)]


def _key_as_text(row: Row, resource: Resource) -> Row:
    return {resource.tenant: str(row[resource.tenant])} if resource.tenant else {}


def differ(look: Look) -> bool:
    """Whether the two sides differ at all, by a plain comparison of sorted rows: what a tool like these could see."""
    if look.export.refused:
        return True
    for name, resource in look.parameters.resources.items():
        columns = columns_of(resource)
        try:
            here = refined(look, resource)
        except psycopg.Error:
            return True
        sides = [
            sorted(repr([plain(row[one]) for one in columns]) for row in side)
            for side in (look.export.rows[name], here)
        ]
        if sides[0] != sides[1]:
            return True
    return False


def plain(value: Any) -> Any:
    """Numbers by their value and not by their trailing zeros, instants by their point in time."""
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    return value.timestamp() if hasattr(value, "timestamp") else value


def reladiff(look: Look) -> list[str]:
    """Compare each pair of tables by hashes of segments, as for two databases."""
    from reladiff import Algorithm, TableSegment, connect, diff_tables

    found = []
    sides = [connect(url) for url in (look.exported_url, look.url)]
    try:
        for name, resource in look.parameters.resources.items():
            key, columns = tuple(resource.whole_key), columns_of(resource)
            more = tuple(columns[len(key) :])
            there = TableSegment(sides[0], (resource.table,), key, extra_columns=more)
            here = TableSegment(sides[1], (resource.table,), key, extra_columns=more, where=living(resource) or None)
            try:
                how = {"algorithm": Algorithm.HASHDIFF, "skip_sort_results": True, "allow_empty_tables": True}
                differing = diff_tables(there, here, **how)
                found += [f"{name} {sign} {row}" for sign, row in differing]
            except Exception as error:  # whatever it ends with, its user sees it
                found.append(f"{name}: {type(error).__name__}: {error}")
    finally:
        for side in sides:
            side.close()
    return found + look.export.refused


def datacompy(look: Look) -> list[str]:
    """Compare each pair of frames; what is a number comes as text, since numbers are compared as binary floats."""
    from datacompy import PolarsCompare

    found = []
    for name, resource in look.parameters.resources.items():
        columns = columns_of(resource)
        try:
            rows = look.export.rows[name], refined(look, resource)
        except psycopg.Error as error:
            found.append(f"{name}: {type(error).__name__}")
            continue
        source, here = (_frame(side, columns) for side in rows)
        told = PolarsCompare(source, here, list(resource.whole_key), df1_name="source", df2_name="refined")
        if not told.matches():
            found.append(name)
    return found + look.export.refused


def _frame(rows: list[Row], columns: list[str]) -> polars.DataFrame:
    import polars

    texts = [[_as_text(row[one]) for one in columns] for row in rows]
    return polars.DataFrame(texts, dict.fromkeys(columns, polars.String), orient="row")


def _as_text(value: Any) -> str | None:
    return None if value is None else str(plain(value))
