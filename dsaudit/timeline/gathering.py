"""Gathers what is known of one record on every side: few queries, each for its ids alone, and its source's record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pandas as pd

from dsaudit.database import QueryError, RelationMissing
from dsaudit.facts.logs import lines, log
from dsaudit.logs import Line, LogError
from dsaudit.reconcile import origins
from dsaudit.reconcile.asking import asked
from dsaudit.reconcile.values import same_json
from dsaudit.source import SourceError
from dsaudit.source.reading import parse
from dsaudit.source.recording import Item, changed_at, identity, instant_at, items_in

if TYPE_CHECKING:
    from dsaudit.audit import Audit

Row = dict[str, Any]
MOST = 200  # versions, deliveries, runs
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class Record:
    """One record of one tenant, as every side has it.

    ``top`` and ``top_id`` name the record of the own list that it stands in, which it is itself unless it is nested.
    ``versions`` are the raw rows of the record, ``carriers`` those of the record that it stands in, each the oldest
    first. ``unknown`` says in words which side could not be looked at.
    """

    tenant: str
    resource: str
    source_id: str
    top: str
    top_id: str | None = None
    item: Item | None = None
    read_at: datetime | None = None
    versions: list[Row] = field(default_factory=list)
    carriers: list[Row] = field(default_factory=list)
    deliveries: list[Row] = field(default_factory=list)
    runs: list[Row] = field(default_factory=list)
    logged: list[Line] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    @property
    def is_nested(self) -> bool:
        """Whether it lives inside another record."""
        return self.top != self.resource

    @property
    def exists(self) -> bool:
        """Whether any side has it, or ever had it."""
        return bool(self.item or self.versions or self.rows or any(one["content"] for one in self.carriers))


def gather(audit: Audit, tenant: str, name: str, source_id: str, top_id: str | None) -> Record:
    """Return all that is known of one record.

    Parameters
    ----------
    audit
        It has read the source, or the list of this record, or this record alone; or there is no source.
    top_id
        The id of the own list's record that it stands in, as far as that is known already.
    """
    found = Record(tenant, name, source_id, audit.parameters.top(name), top_id)
    _at_source(audit, found)
    _received(audit, found)
    _announced(audit, found)
    _synced(audit, found)
    _logged(audit, found)
    keys = pd.DataFrame({"tenants": [tenant], "ids": [source_id]}, dtype=object)
    found.rows = _asked(found, "refined table", lambda: asked(audit, "timeline/rows", keys, {"resource": name}))
    return found


def _at_source(audit: Audit, found: Record) -> None:
    if audit.parameters.source is None:
        found.unknown.append("the source: the parameter file gives none, so nothing tells what is right")
        return
    try:
        problem = audit.source.problem(found.tenant, found.resource)
        if problem is None:
            key = (found.tenant, found.resource, found.source_id)
            found.item = origins.find(audit, [key]).items.get(key)
    except SourceError as error:
        problem = str(error)
    if problem:
        found.unknown.append(f"the source: {problem}")
        return
    found.read_at = audit.source.started
    if found.item:
        resource = audit.parameters.resources[found.top]
        found.top_id = identity(resource, found.item.top, found.item.top, "", 0)


def _received(audit: Audit, found: Record) -> None:
    if audit.parameters.raw is None:
        found.unknown.append("what was received: the parameter file gives no raw table")
        return
    found.versions = _versions(audit, found, found.resource, found.source_id)
    if found.is_nested and found.top_id is not None:
        found.carriers = _versions(audit, found, found.top, found.top_id)
    for one in found.versions:
        one["content"] = one["record"]
    for one in found.carriers:
        one["content"] = _inside(audit, found, one["record"])
    found.carriers = _telling_carriers(found.carriers)


def _telling_carriers(carriers: list[Row]) -> list[Row]:
    """Return those versions of the outer record in which the nested one is another than before, and the newest."""
    before = [None, *(one["content"] for one in carriers)]
    return [
        one
        for one, old in zip(carriers, before, strict=False)
        if one is carriers[-1] or not same_json(old, one["content"])
    ]


def _versions(audit: Audit, found: Record, name: str, source_id: str) -> list[Row]:
    keys = pd.DataFrame({"tenants": [found.tenant], "resources": [name], "ids": [source_id]}, dtype=object)
    lines = _asked(found, "raw table", lambda: asked(audit, "timeline/versions", keys, most_rows=MOST))
    total = lines[0]["versions"] if lines else 0
    if total > len(lines):
        found.unknown.append(f"older versions: the newest {len(lines)} of {total} are shown")
    for number, one in enumerate(lines, total - len(lines) + 1):
        payload = parse(one.pop("payload") or "null")
        one |= {"number": number, "record": payload if isinstance(payload, dict) and not one["deleted"] else None}
    return lines


def _inside(audit: Audit, found: Record, record: Row | None) -> Row | None:
    """Return the nested record as it stands in a payload of the one that carries it."""
    if record is None:
        return None
    items = items_in(audit.parameters, found.resource, record)
    item = next((one for one in items if one.source_id == found.source_id), None)
    return item.record if item else None


def _announced(audit: Audit, found: Record) -> None:
    if audit.parameters.deliveries is None:
        found.unknown.append("what was announced: the parameter file gives no table of deliveries")
        return
    brought = {one["delivery_id"] for one in (*found.versions, *found.carriers) if one["delivery_id"]}
    values: Row = {"of_tenant": found.tenant, "of_resource": found.top, "of_id": found.top_id}
    values["brought"] = sorted(brought)
    query = "timeline/deliveries"
    found.deliveries = _asked(found, "log of deliveries", lambda: asked(audit, query, most_rows=MOST, **values))
    total = found.deliveries[0]["deliveries"] if found.deliveries else 0
    if total > len(found.deliveries):
        found.unknown.append(f"older deliveries: the latest {len(found.deliveries)} of {total} are shown")


def _synced(audit: Audit, found: Record) -> None:
    if audit.parameters.syncs is None:
        found.unknown.append("what was fetched: the parameter file gives no table of sync runs")
        return
    since = min([*_times(found, audit)], default=LONG_AGO)
    values: Row = {"of_tenant": found.tenant, "of_resource": found.top, "since": since}
    runs = _asked(found, "sync runs", lambda: asked(audit, "timeline/runs", most_rows=MOST, **values))
    found.runs = _telling(runs, found, audit)


def _logged(audit: Audit, found: Record) -> None:
    """Add the lines of the application's log that name the record, or a delivery of it."""
    if audit.parameters.logs is None:
        return
    deliveries = {one["delivery_id"] for one in (*found.deliveries, *found.versions, *found.carriers)} - {None}
    records = {(found.resource, found.source_id), (found.top, found.top_id)}
    try:
        if problem := log(audit).problem:
            found.unknown.append(problem)
            return
        for line in lines(audit):
            is_of_it = line.delivery_id in deliveries or (line.resource, line.source_id) in records
            if is_of_it and line.tenant in (None, found.tenant):
                found.logged.append(line)
    except LogError as error:
        found.unknown.append(str(error))
    if len(found.logged) > MOST:
        found.unknown.append(f"older lines of the log: the latest {MOST} of {len(found.logged)} are shown")
        found.logged = sorted(found.logged, key=lambda one: one.at)[-MOST:]


def _times(found: Record, audit: Audit) -> list[datetime]:
    """Return the times from which on a sync could have brought the record."""
    resource = audit.parameters.resources[found.top]
    told = (
        [instant_at(found.item.top, resource.known.created), changed_at(resource, found.item.top)] if found.item else []
    )
    received = [one["received_at"] for one in (*found.versions, *found.carriers)]
    return [one for one in (*told, *received) if one is not None]


def _telling(runs: list[Row], found: Record, audit: Audit) -> list[Row]:
    """Return those runs that say something: the first, those that brought a version, and the last after each change."""
    resource = audit.parameters.resources[found.top]
    changed = changed_at(resource, found.item.top) if found.item else None
    brought = [one["received_at"] for one in (*found.versions, *found.carriers) if not one["by_webhook"]]
    telling = [
        run
        for run in runs
        if any(run["started_at"] <= at <= (run["ended_at"] or at) for at in brought)
        or (changed is not None and run["started_at"] >= changed)
    ]
    return telling[:3] + telling[3:][-5:]


def _asked(found: Record, side: str, ask: Callable[[], pd.DataFrame]) -> list[Row]:
    try:
        frame = ask()
    except (QueryError, RelationMissing) as error:
        found.unknown.append(f"the {side}: {error}")
        return []
    plain = frame.astype(object).where(frame.notna(), None)
    return [{str(name): value for name, value in line.items()} for line in plain.to_dict("records")]
