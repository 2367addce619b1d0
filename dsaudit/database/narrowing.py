"""Conditions by which an index serves a look-up of a few ids, whose columns are cast to text everywhere else.

They let through more than the ids alone where a key has several columns; the query that is filled still compares.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from dsaudit.database.catalogue import TableInfo
from dsaudit.database.expressions import Filled, is_exact, quoted
from dsaudit.parameters import Resource
from dsaudit.parameters.ids import Kind, writings
from dsaudit.parameters.keys import parts_of

INTEGERS = {"smallint": 2**15, "integer": 2**31, "bigint": 2**63}
MOST = 1000  # ids; for more of them the whole table is as quick


def by_key(resource: Resource, info: TableInfo, filled: Filled) -> list[str]:
    """Return conditions that hold for the rows of a resource with the ids that `filled` is for; none if for all."""
    if filled.only is None or len(resource.key) != len(resource.id_from):
        return []
    parts = [parts_of(resource, one) for one in filled.only]
    if None in parts:
        return []
    columns: list[Sequence[str]] = [*zip(*(one for one in parts if one is not None), strict=True)]
    found = (_condition(key, info, texts, filled) for key, texts in zip(resource.key, columns, strict=False))
    return [condition for conditions in found for condition in conditions]


def by_column(column: str, info: TableInfo, filled: Filled, kinds: Collection[Kind | None]) -> list[str]:
    """Return the condition that a column has one of the ids that `filled` is for; none if for all.

    `kinds` are those of the ids: a text may write them in other ways. With how many blanks nobody knows.
    """
    if filled.only is None or "char" in kinds:
        return []
    others = set() if is_exact(column, info) else {kind for kind in kinds if kind}
    texts = [*filled.only, *(text for kind in sorted(others) for one in filled.only for text in writings(one, kind))]
    return _condition(column, info, texts, filled)


def _condition(column: str, info: TableInfo, texts: Collection[str], filled: Filled) -> list[str]:
    """Return the condition that a column has one of these texts, or none for a type of which that is not known."""
    kind = info.columns.get(column, "")
    if kind in INTEGERS:
        # What is no such number is no text of one either.
        texts = [one for one in texts if re.fullmatch(r"-?\d{1,19}", one, re.ASCII) and abs(int(one)) < INTEGERS[kind]]
    elif kind == "uuid":
        texts = [one for one in texts if re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", one)]
    elif kind != "text" and not kind.startswith("character varying"):
        return []
    cast = kind if kind in INTEGERS or kind == "uuid" else "text"
    name = f"only_{info.oid}_{list(info.columns).index(column)}"
    filled.values[name] = list(dict.fromkeys(texts))
    return [f"x.{quoted(column)} = any(%({name})s::{cast}[])"]
