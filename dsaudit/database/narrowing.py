"""Conditions by which an index serves a look-up of a few ids, whose columns are cast to text everywhere else.

They let through more than the ids alone where a key has several columns; the query that is filled still compares.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from psycopg import sql as names

from dsaudit.database.catalogue import TableInfo
from dsaudit.parameters import Resource
from dsaudit.parameters.keys import parts_of

INTEGERS = {"smallint": 2**15, "integer": 2**31, "bigint": 2**63}
MOST = 1000  # ids; for more of them the whole table is as quick


def by_key(resource: Resource, info: TableInfo, ids: Collection[str]) -> list[tuple[str, list[str]]]:
    """Return conditions with a place for the values, ``%s``, and their values, for the rows of a resource's `ids`."""
    parts = [parts_of(resource, one) for one in ids]
    if len(ids) > MOST or len(resource.key) != len(resource.id_from) or None in parts:
        return []
    columns: list[Sequence[str]] = [*zip(*(one for one in parts if one is not None), strict=True)]
    found = (by_column(key, info, values) for key, values in zip(resource.key, columns, strict=False))
    return [one for one in found if one]


def by_column(column: str, info: TableInfo, texts: Collection[str]) -> tuple[str, list[str]] | None:
    """Return the condition that a column has one of these texts, or None for a type of which that is not known."""
    kind = info.columns.get(column, "")
    if kind in INTEGERS:
        # What is no such number is no text of one either.
        texts = [one for one in texts if re.fullmatch(r"-?\d{1,19}", one, re.ASCII) and abs(int(one)) < INTEGERS[kind]]
    elif kind not in ("text", "uuid") and not kind.startswith("character varying"):
        return None
    elif kind == "uuid":
        texts = [one for one in texts if re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", one)]
    cast = kind if kind in INTEGERS or kind == "uuid" else "text"
    return f"x.{names.Identifier(column).as_string(None)} = any(%s::{cast}[])", list(dict.fromkeys(texts))
