"""Runs one check, a query or a function, and brings home its evidence."""

from __future__ import annotations

import importlib
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from dsaudit.audit.judging import Evidence, Scope
from dsaudit.checks import Check, planned_resources
from dsaudit.database import MOST_ROWS, QueryError, ShortRead, SnapshotLost, TimeLimit
from dsaudit.database.relations import RelationMissing
from dsaudit.source import SourceError
from dsaudit.verdict import Status

if TYPE_CHECKING:
    from dsaudit.audit import Audit


def gather(audit: Audit, check: Check, scopes: list[Scope]) -> Evidence:
    """Return what `check` finds in `scopes`; what cannot be asked is told by scope, with the reason."""
    evidence = _query(audit, check, scopes) if check.is_query else _function(audit, check, scopes)
    if audit.parameters.part.by_record:
        evidence.undecided += _unknown_parts(audit, scopes)
    return evidence


def _unknown_parts(audit: Audit, scopes: list[Scope]) -> list[tuple[Scope, Status, str]]:
    """Return the scopes of which nobody knows the records in the part, as the source could not be read."""
    problems = [(scope, audit.source.problem(scope["tenant"], scope["resource"])) for scope in scopes]
    return [(scope, Status.INCONCLUSIVE, problem) for scope, problem in problems if problem]


def _function(audit: Audit, check: Check, scopes: list[Scope]) -> Evidence:
    module = importlib.import_module(f"dsaudit.functions.{check.subject}")
    try:
        rows, examined = getattr(module, check.name)(audit)
    except (QueryError, RelationMissing, SourceError) as error:
        return _undecided(scopes, _status_of(error), str(error))
    except Exception as error:
        # A fault of ours or data that no one foresaw: an error of this check, and the phase goes on. The message
        # could quote the data, so only the place and the kind are told.
        place = traceback.extract_tb(error.__traceback__)[-1]
        return _undecided(scopes, Status.ERROR, f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno}")
    told = f"-- a function: dsaudit/functions/{check.subject}.py, {check.name}"
    limits, bounds = list(examined.attrs.get("limits", [])), examined.attrs.get("bounds", {})
    return Evidence(rows, examined, told, limits=limits, bounds=bounds)


def _status_of(error: Exception) -> Status:
    refused = isinstance(error, QueryError) and not isinstance(error, (ShortRead, SnapshotLost, TimeLimit))
    return Status.ERROR if refused else Status.INCONCLUSIVE


def _undecided(scopes: list[Scope], status: Status, reason: str) -> Evidence:
    return Evidence(pd.DataFrame(), pd.DataFrame(), undecided=[(scope, status, reason) for scope in scopes])


def _query(audit: Audit, check: Check, scopes: list[Scope]) -> Evidence:
    """Run a check's two queries once for each item, and put the answers together."""
    gathered = Evidence(pd.DataFrame(), pd.DataFrame())
    rows: list[pd.DataFrame] = []
    examined: list[pd.DataFrame] = []
    items = list(dict.fromkeys(scope[check.each] for scope in scopes)) if check.each else [""]
    for item in items:
        own = [scope for scope in scopes if not check.each or scope[check.each] == item]
        try:
            _query_item(audit, check, {check.each: item} if check.each else {}, rows, examined, gathered)
        except (QueryError, RelationMissing, SourceError) as error:
            gathered.undecided += [(scope, _status_of(error), str(error)) for scope in own]
    gathered.rows = _together(rows)
    gathered.examined = _together(examined)
    if len(items) > 1:
        gathered.limits.append(f"the query shown is one of {len(items)}, one a {check.each}")
    return gathered


def _query_item(
    audit: Audit, check: Check, item: Scope, rows: list[pd.DataFrame], examined: list[pd.DataFrame], gathered: Evidence
) -> None:
    own = item.get("resource")
    resources = [own] if own else planned_resources(check, audit.parameters)
    looked = audit.relations.fill(check.examined, item, resources)
    found = audit.relations.fill(check.query, item, resources)
    values = {**audit.values(), **looked.values, **found.values}
    counted, answer = audit.database.queries([looked.sql, found.sql], values, [*looked.tables, *found.tables])
    examined.append(counted.frame.assign(**item))
    rows.append(answer.frame.assign(**item))
    if answer.total > len(answer.frame):
        _count_scopes(audit, check, found.sql, values, item, gathered)
    if not gathered.query or (len(answer.frame) and not any(len(frame) for frame in rows[:-1])):
        gathered.query = _shown(audit, check, item, resources, values)


def _shown(audit: Audit, check: Check, item: Scope, resources: list[str], values: dict[str, Any]) -> str:
    """Return the query to be pasted into psql; the ids of a part, which can be thousands, are left out of it."""
    whole = audit.relations.of_lists.fill(check.query, item, resources)
    part = audit.parameters.part
    note = f"-- of all records; the check looked at its part alone ({part.words})\n" if part.by_record else ""
    return note + audit.database.merged(whole.sql, {**values, **whole.values})


def _count_scopes(
    audit: Audit, check: Check, sql: str, values: dict[str, Any], item: Scope, gathered: Evidence
) -> None:
    """Count the rows of every scope where there are more than are kept."""
    columns = [column for column in check.scope if column not in item]
    listed = ", ".join(columns) or "true"
    counted = audit.database.query(f"select {listed}, count(*) as total from ({sql}) as x group by {listed}", values)
    for row in counted.frame.assign(**item).to_dict("records"):
        gathered.totals[tuple(str(row[column]) for column in check.scope)] = int(row["total"])
    gathered.limits.append(f"{MOST_ROWS} rows are kept, all are counted")


def _together(frames: list[pd.DataFrame]) -> pd.DataFrame:
    """Put frames under each other; empty ones are left out, as they would change the others' types."""
    full = [frame for frame in frames if len(frame)]
    return pd.concat(full, ignore_index=True) if full else pd.DataFrame()
