"""Asks PostgreSQL about a set of keys at once: one query for thousands of them, whatever their number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from dsaudit.checks import find_table
from dsaudit.database import QueryError, RelationMissing

if TYPE_CHECKING:
    from dsaudit.audit import Audit

MOST_KEYS = 50_000  # that one query is asked about
MOST_PAYLOADS = 5_000  # the same where it brings payloads home


def ask(
    audit: Audit,
    name: str,
    keys: pd.DataFrame | None = None,
    resource: str | None = None,
    most: int = MOST_KEYS,
    relation: str | None = None,
    **values: Any,
) -> pd.DataFrame:
    """Return what ``sql/causes/<name>.sql`` finds, for a resource or a relation where it has slots of one; see `asked`.

    What cannot be asked (no such table, refused, too slow) is not known, and no cause will rest on it.
    """
    try:
        item = {kind: one for kind, one in (("resource", resource), ("relation", relation)) if one}
        return asked(audit, f"causes/{name}", keys, item, most, **values)
    except (QueryError, RelationMissing):
        return pd.DataFrame()


def asked(
    audit: Audit,
    name: str,
    keys: pd.DataFrame | None = None,
    item: Mapping[str, str] | None = None,
    most: int = MOST_KEYS,
    **values: Any,
) -> pd.DataFrame:
    """Return what a query finds, named by its folder in ``sql/`` and its file.

    Each column of `keys` is bound as an array under its own name; the answer's column ``place`` is then the line in
    `keys`. `item` is what the slots are filled for.

    Raises
    ------
    QueryError, RelationMissing
        It cannot be asked.
    """
    folder, _, file = name.rpartition("/")
    query = find_table(file, folder).query
    known = set(audit.parameters.resources)
    resources = sorted(set(keys["resources"]) & known) if keys is not None and "resources" in keys else sorted(known)
    only = {one for one in keys["ids"] if not pd.isna(one)} if keys is not None and "ids" in keys else None
    answers = []
    filled = audit.relations.whole.fill(query, item, resources, only)
    bound = {**audit.values(), **values, **filled.values}
    for start in range(0, 1 if keys is None else len(keys), most):
        arrays = {} if keys is None else _arrays(keys.iloc[start : start + most])
        found = audit.database.query(filled.sql, {**bound, **arrays}, most=None).frame
        answers.append(found.assign(place=found["place"].astype(int) + start - 1) if "place" in found else found)
    full = [one for one in answers if len(one)]
    return pd.concat(full, ignore_index=True) if full else (answers[0] if answers else pd.DataFrame())


def _arrays(keys: pd.DataFrame) -> dict[str, list[Any]]:
    return {str(name): [None if pd.isna(one) else one for one in keys[name].tolist()] for name in keys}


def instants(given: Any) -> pd.Series:
    """Return a column as instants in UTC, all of one unit, so that any two can be held against each other."""
    return pd.Series(pd.to_datetime(given, utc=True, errors="coerce")).astype("datetime64[us, UTC]")


def beside(frame: pd.DataFrame, answer: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Return `frame` with the answer's `columns` beside it by ``place``; what was not found is None."""
    held = answer.set_index("place") if len(answer) else pd.DataFrame()
    new = {name: held[name].reindex(frame.index) if name in held else None for name in columns}
    return frame.assign(**{name: pd.Series(one, index=frame.index, dtype=object) for name, one in new.items()})
