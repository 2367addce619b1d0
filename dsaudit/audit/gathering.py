"""Runs one check, a query or a function, and brings home its evidence."""

from __future__ import annotations

import contextlib
import importlib
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from dsaudit.audit.counting import with_counts
from dsaudit.audit.judging import Evidence, Scope
from dsaudit.checks import Check, planned_resources
from dsaudit.database import MOST_ROWS, Answer, QueryError, RelationMissing, ShortRead, SnapshotLost, TimeLimit
from dsaudit.database.expressions import Filled
from dsaudit.logs import LogError
from dsaudit.reconcile import parts
from dsaudit.source import SourceError
from dsaudit.verdict import Status

if TYPE_CHECKING:
    from dsaudit.audit import Audit

# What could not be asked or read, and is no fault of ours; the message is the reason, in one line without values.
UNREAD = (QueryError, RelationMissing, SourceError, LogError)


def gather(audit: Audit, check: Check, scopes: list[Scope]) -> Evidence:
    """Return what `check` finds in `scopes`; what cannot be asked is told by scope, with the reason."""
    evidence = _query(audit, check, scopes) if check.is_query else _function(audit, check, scopes)
    if audit.parameters.part.by_record:
        evidence.undecided += _unknown_parts(audit, scopes)
    return evidence


def table_rows(audit: Audit, table: Check) -> pd.DataFrame:
    """Return the rows of a table that judges nothing; none where they cannot be read: ``attrs["unshown"]`` says why."""
    try:
        return _table_rows(audit, table)
    except UNREAD as error:
        none = pd.DataFrame()
        none.attrs["unshown"] = str(error)
        return none


def _table_rows(audit: Audit, table: Check) -> pd.DataFrame:
    """Return the rows of a table, a query's or a function's."""
    if not table.is_query:
        module = importlib.import_module(f"dsaudit.functions.tables.{table.subject}")
        made: pd.DataFrame = getattr(module, table.name)(audit)
        return made
    each = audit.parameters.resources if table.each == "resource" else None
    items: list[Scope] = [{}] if each is None else [{"resource": resource} for resource in each]
    asked = planned_resources(table, audit.parameters)
    frames = []
    for item in items:
        filled = audit.relations.of_lists.fill(table.query, item, asked)
        frames.append(audit.database.query(filled.sql, {**audit.values(), **filled.values}).frame)
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def _unknown_parts(audit: Audit, scopes: list[Scope]) -> list[tuple[Scope, Status, str]]:
    """Return the scopes of which some records in the part are not known, as the source was not read or not asked."""
    reasons = [(scope, parts.why_unknown(audit, scope["tenant"], scope["resource"])) for scope in scopes if scope]
    return [(scope, Status.INCONCLUSIVE, reason) for scope, reason in reasons if reason]


def _function(audit: Audit, check: Check, scopes: list[Scope]) -> Evidence:
    module = importlib.import_module(f"dsaudit.functions.{check.subject}")
    try:
        rows, examined = getattr(module, check.name)(audit)
    except UNREAD as error:
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


@dataclass
class _Asked:
    """The two queries of a check for one item, with its slots filled."""

    item: Scope
    counting: Filled
    finding: Filled
    values: dict[str, Any]


def _query(audit: Audit, check: Check, scopes: list[Scope]) -> Evidence:
    """Run a check's two queries once for each item, and put the answers together."""
    gathered = Evidence(pd.DataFrame(), pd.DataFrame())
    items: list[Scope] = [{}]
    if check.each:
        items = [{check.each: name} for name in dict.fromkeys(scope[check.each] for scope in scopes)]
    asked: list[_Asked] = []
    for item in items:
        with _told(gathered, scopes, item):
            asked.append(_filled(audit, check, item))
    answers = _answers(audit, gathered, scopes, asked)
    for one, (_, found) in answers:
        if found.total > len(found.rows):
            with _told(gathered, scopes, one.item):
                _count_scopes(audit, check, one, gathered)
    gathered.examined = _together([(one.item, counted) for one, (counted, _) in answers])
    gathered.rows = _together([(one.item, found) for one, (_, found) in answers])
    gathered.limits += [one for one in gathered.examined.get("note", []) if isinstance(one, str)]
    if answers:
        telling, _ = next((one for one in answers if one[1][1].rows), answers[0])
        gathered.query = _shown(audit, check, telling)
    if len(items) > 1:
        gathered.limits.append(f"the query shown is one of {len(items)}, one a {check.each}")
    return gathered


@contextlib.contextmanager
def _told(gathered: Evidence, scopes: list[Scope], item: Scope) -> Iterator[None]:
    """Tell of each scope of an item that it could not be asked, and why."""
    try:
        yield
    except (QueryError, RelationMissing, SourceError) as error:
        own = [scope for scope in scopes if item.items() <= scope.items()]
        gathered.undecided += [(scope, _status_of(error), str(error)) for scope in own]


def _filled(audit: Audit, check: Check, item: Scope) -> _Asked:
    own = item.get("resource")
    resources = [own] if own else planned_resources(check, audit.parameters)
    counted, counts = with_counts(audit, check.examined)
    counting = audit.relations.fill(counted, item, resources)
    finding = audit.relations.fill(check.query, item, resources)
    return _Asked(item, counting, finding, {**audit.values(), **counts, **counting.values, **finding.values})


def _shown(audit: Audit, check: Check, asked: _Asked) -> str:
    """Return the query to be pasted into psql; the ids of a part, which can be thousands, are left out of it."""
    part = audit.parameters.part
    if not part.by_record:
        return audit.database.merged(asked.finding.sql, asked.values)
    whole = audit.relations.of_lists.fill(check.query, asked.item, asked.finding.resources)
    note = f"-- of all records; the check looked at its part alone ({part.words})\n"
    return note + audit.database.merged(whole.sql, {**asked.values, **whole.values})


def _answers(
    audit: Audit, gathered: Evidence, scopes: list[Scope], asked: list[_Asked]
) -> list[tuple[_Asked, list[Answer]]]:
    """Ask for all items in one transaction; where one is refused, for each in its own, so that the others are heard."""
    try:
        answers = _ask(audit, asked)
        return [(one, answers[2 * place : 2 * place + 2]) for place, one in enumerate(asked)]
    except QueryError:
        alone = []
        for one in asked:
            with _told(gathered, scopes, one.item):
                alone.append((one, _ask(audit, [one])))
        return alone


def _ask(audit: Audit, asked: list[_Asked]) -> list[Answer]:
    filled = [query for one in asked for query in (one.counting, one.finding)]
    values = [one.values for one in asked for _ in range(2)]
    return audit.database.queries([query.sql for query in filled], values)


def _count_scopes(audit: Audit, check: Check, asked: _Asked, gathered: Evidence) -> None:
    """Count the rows of every scope where there are more than are kept."""
    columns = [column for column in check.scope if column not in asked.item]
    listed = ", ".join(columns) or "true"
    sql = f"select {listed}, count(*) as total from ({asked.finding.sql}) as x group by {listed}"
    counted = audit.database.query(sql, asked.values)
    for row in counted.frame.assign(**asked.item).to_dict("records"):
        gathered.totals[tuple(str(row[column]) for column in check.scope)] = int(row["total"])
    gathered.limits.append(f"{MOST_ROWS} rows are kept, all are counted")


def _together(answers: list[tuple[Scope, Answer]]) -> pd.DataFrame:
    """Put answers under each other; empty ones are left out, as they would change the others' types."""
    full = [answer.frame.assign(**item) for item, answer in answers if answer.rows]
    return pd.concat(full, ignore_index=True) if full else pd.DataFrame()
