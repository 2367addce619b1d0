"""Which table holds the raw records, and which of its columns is what: told by what sampled rows hold.

A raw table has a column of JSON objects, a column whose values stand inside them (the source's id), and one of few
values that says of which type they are. Names decide only among columns that hold the like.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations, pairwise
from typing import Any

from dsaudit import naming
from dsaudit.database.shape import Column, Shape
from dsaudit.drafting import roles
from dsaudit.drafting.sampling import Row, Sampler

ROWS = 300
MOST_TYPES = 60
HALF = 0.5
DEEPEST = 3
TOLD = ("payload", "source_id", "resource", "received_at", "content_hash", "state", "via")  # no tenants
IDS = ("text", "integer", "uuid")
STATES = {
    "pending": r"pending|new|queued|received|open|waiting|unprocessed|todo",
    "processed": r"processed|done|success\w*|succeeded|completed?|refined|ok|applied|finished",
    "error": r"error|errored|failed|failure|dead",
    "skipped": r"skipped|ignored|superseded|duplicate",
    "held": r"held|blocked|waiting_for_parent|parked",
}


def raw(sampler: Sampler, tables: Sequence[Shape]) -> tuple[Shape, roles.Columns] | None:
    """Return the table of raw records with its columns by what they are; None where no table's rows are like that."""
    names = {naming.one(shape.name) for shape in tables}
    best: tuple[int, Shape, roles.Columns] | None = None
    for shape in tables:
        if any(column.family == "json" for column in shape.columns.values()):
            rows = sampler.rows(shape, shape.columns, ROWS)
            if columns := raw_columns(shape, rows, names):
                is_built_from = any(one.table == shape.oid for other in tables for one in other.references.values())
                score = len(columns) + 3 * roles.is_called("raw", shape) + 5 * is_built_from
                if best is None or score > best[0]:
                    best = score, shape, columns
    return best[1:] if best else None


def raw_columns(shape: Shape, rows: Sequence[Row], names: Iterable[str]) -> roles.Columns:
    """Return a table's columns by what they are to raw records, none where its rows are no raw records."""
    found = max((_identified(shape, rows, name) for name in shape.columns), key=lambda one: one[0], default=(0, {}))[1]
    if not found:
        return {}
    whole = [row for row in rows if isinstance(row[found["payload"]], dict)]
    free = [column for column in shape.columns.values() if column.name not in found.values()]
    found["resource"] = _type(free, whole, found["payload"], set(names))
    found["received_at"] = _arrival(free, whole, shape)
    if not found["resource"] or not found["received_at"]:
        return {}
    found |= roles.columns_of("raw", shape, found)
    for name, fits in _FITTING.items():
        for column in shape.columns.values():
            values = [row[column.name] for row in whole]
            if name not in found and column.name not in (*found.values(), *shape.primary) and fits(column, values):
                found[name] = column.name
    return found


def _identified(shape: Shape, rows: Sequence[Row], payload: str) -> tuple[float, roles.Columns]:
    """Return the column whose values stand inside a column of objects, and how many different ones do."""
    whole = [row for row in rows if isinstance(row[payload], dict)]
    if shape.columns[payload].family != "json" or len(whole) <= HALF * len(rows):
        return 0, {}
    inside = [set(leaves(row[payload])) for row in whole]
    best = 0.0, dict[str, str]()
    for column in shape.columns.values():
        if column.family in IDS and not (column.is_given and column.name in shape.primary):
            held = [
                str(row[column.name])
                for row, known in zip(whole, inside, strict=True)
                if str(row[column.name]) in known
            ]
            share = len(held) / len(whole) * len(set(held)) / len(whole)
            if len(held) > HALF * len(whole) and share > best[0]:
                best = share, {"payload": payload, "source_id": column.name}
    return best


def leaves(value: Any, depth: int = 0) -> Iterator[str]:
    """Yield the texts and numbers inside a record, as texts; lists are not entered."""
    if isinstance(value, dict) and depth < DEEPEST:
        for inner in value.values():
            yield from leaves(inner, depth + 1)
    elif value is not None and not isinstance(value, (dict, list, bool)):
        yield str(value)


def _type(columns: Iterable[Column], rows: Sequence[Row], payload: str, names: set[str]) -> str:
    """Return the column of the records' types: its values tell their shapes apart, or name tables."""
    best = 0.0, ""
    for column in columns:
        groups: dict[str, list[frozenset[str]]] = {}
        for row in rows:
            groups.setdefault(str(row[column.name]), []).append(frozenset(row[payload]))
        if column.family != "text" or len(groups) > min(MOST_TYPES, max(1, len(rows) // 3)):
            continue
        named = sum(any(f"_{name}".endswith(f"_{naming.one(value)}") for name in names) for value in groups)
        is_called = roles.RESOURCE.among([column]) is not None
        score = _apart(list(groups.values())) + named / len(groups) + HALF * is_called
        best = max(best, (score, column.name))
    return best[1] if best[0] >= HALF else ""


def _apart(groups: Sequence[list[frozenset[str]]]) -> float:
    """Return the share of records that have their group's usual keys, 0 where several groups have the same."""
    usual = [Counter(group).most_common(1)[0][0] for group in groups]
    pairs = list(combinations(usual, 2))
    if sum(_alike(one, other) < HALF for one, other in pairs) <= HALF * len(pairs):
        return 0
    like = sum(_alike(keys, its) >= HALF for group, its in zip(groups, usual, strict=True) for keys in group)
    share = like / sum(map(len, groups))
    return share if share >= 0.9 else 0


def _alike(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / max(1, len(one | other))


def _arrival(columns: Sequence[Column], rows: Sequence[Row], shape: Shape) -> str:
    """Return the time that is always there and grows with the rows' number; a usual name goes first."""
    times = [one for one in columns if one.family == "instant" and all(row[one.name] is not None for row in rows)]
    if named := roles.RAW["received_at"].among(times):
        return named
    number = next((name for name in shape.primary if shape.columns[name].family == "integer"), None)
    ordered = sorted(rows, key=lambda row: row[number]) if number else rows

    def growing(column: Column) -> int:
        return sum(one[column.name] <= other[column.name] for one, other in pairwise(ordered))

    return max(times, key=growing).name if times else ""


def _is_hash(column: Column, values: Sequence[Any]) -> bool:
    given = [str(value) for value in values if value is not None]
    return (
        column.family == "text"
        and bool(given)
        and all(re.fullmatch("[0-9a-f]{32,128}", one) for one in given)
        and len(set(map(len, given))) == 1
    )


def _is_state(column: Column, values: Sequence[Any]) -> bool:
    given = {str(value).lower() for value in values if value is not None}
    known = sum(any(re.fullmatch(pattern, value) for pattern in STATES.values()) for value in given)
    return column.family == "text" and 0 < len(given) <= 12 and known > HALF * len(given)


def _is_via(column: Column, values: Sequence[Any]) -> bool:
    given = {str(value).lower() for value in values if value is not None}
    return column.family == "text" and 0 < len(given) <= 12 and all(re.search(_WAYS, value) for value in given)


_WAYS = "hook|push|event|poll|sync|pull|fetch|backfill|import|manual|cron|schedule"


def _is_error(column: Column, values: Sequence[Any]) -> bool:
    return column.family == "text" and column.nullable and sum(value is None for value in values) > HALF * len(values)


def _is_later(column: Column, values: Sequence[Any]) -> bool:
    return column.family == "instant" and column.nullable and any(value is not None for value in values)


_FITTING: Mapping[str, Callable[[Column, Sequence[Any]], bool]] = {
    "content_hash": _is_hash,
    "state": _is_state,
    "via": _is_via,
    "error": _is_error,
    "refined_at": _is_later,
}
