"""The three sides of one resource: its records at the source, as received (raw), and as refined."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from dsaudit.database import SnapshotLost
from dsaudit.parameters import Resource
from dsaudit.reconcile.settled import is_small, picked, unsettled
from dsaudit.source.recording import Item, changed_at

if TYPE_CHECKING:
    from dsaudit.audit import Audit
    from dsaudit.database import Database

Key = tuple[str, str]  # tenant, source id
Row = dict[str, Any]

MOST_WHOLE = 10_000  # rows of a side that are held whole, whether they differ or not
NEWEST_RAW = """
select distinct on (tenant, source_id) tenant, source_id, row_id, deleted, received_at, changed_at, by_webhook,
       case when %(with_payload)s then payload::text end as payload
from {raw} as r
where resource = %(resource_name)s and (%(whole)s or (tenant, source_id) in (select * from {wanted}))
order by tenant, source_id, version desc
"""
REFINED = """
select * from {refined_as_text} as f
where %(whole)s or source_id is null or (tenant, source_id) in (select * from {wanted})
order by tenant, source_id, row_id
"""
WANTED = "unnest(%(wanted_tenants)s::text[], %(wanted_ids)s::text[])"
WHOLE_SECOND = timedelta(seconds=1)  # many sources tell the time of a change no finer


@dataclass
class Sides:
    """One resource on all sides, by tenant and source id.

    ``problems`` tells for a tenant why its source cannot be relied on: it has no record here then. ``lost`` tells why
    the database could not be read as of the run's instant: no tenant has anything here then. ``raw`` holds the
    newest version of each object, and is None where there is no raw table. ``refined`` holds all rows of a key, as a
    table without a unique constraint can have several.

    Of a large resource only those keys are held that differ on some side, or may be in flight. ``agreed`` counts for
    each tenant the others: they are on all sides, equal, and none is in flight. It is not ``whole`` then, and has
    nothing of a tenant with a problem. ``parent`` holds the resource that a nested one stands in.
    """

    name: str
    resource: Resource
    tenants: list[str]
    started: datetime  # when the reading of the source began
    instant: datetime  # of the database
    clock_error: timedelta = timedelta()
    source: dict[Key, Item] = field(default_factory=dict)
    raw: dict[Key, Row] | None = None
    refined: dict[Key, list[Row]] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    agreed: Counter[str] = field(default_factory=Counter)
    whole: bool = True
    parent: Sides | None = None
    lost: str = ""

    def changed(self, key: Key) -> datetime | None:
        """When the source's record changed last; a nested one changes with the record it stands in."""
        item = self.source.get(key)
        return changed_at(self.resource, item.top if self.resource.nested else item.record) if item else None

    def live(self, key: Key) -> list[Row]:
        """Return the refined rows of a key that are not marked deleted."""
        return [row for row in self.refined.get(key, []) if not row["deleted"]]

    def received(self, key: Key) -> Row | None:
        """Return the newest version received of a key, unless that is a deletion."""
        row = (self.raw or {}).get(key)
        return None if row is None or row["deleted"] else row

    def in_flight(self, key: Key) -> bool:
        """Return whether our side may know a later state of a record than the reading of the source could.

        The source went on changing while it was read. What had come to us before the reading began, the reading has
        seen; what came later is in flight unless it is an older state than the one read. A time that had not yet been
        at the database's instant is wrong, and proves nothing.
        """
        if above := self._above(key):
            return above[0].in_flight(above[1])
        came, latest = self._came(key), self.instant + self.clock_error
        if came is None or not self.started - self.clock_error <= came <= latest + WHOLE_SECOND:
            return False
        ours, theirs = self.state(key), self.changed(key)
        if ours is not None and ours > latest:
            return False
        if ours is None or theirs is None or ours > theirs:
            return True
        return ours == theirs and theirs >= self.started - self.clock_error - WHOLE_SECOND

    def touched(self, key: Key) -> bool:
        """Return whether a key is in flight by nothing but the time of a row's writing, which any work renews."""
        if above := self._above(key):
            return above[0].touched(above[1])
        is_dated = any(row["updated_at"] and not row["deleted"] for row in self.refined.get(key, []))
        return self.in_flight(key) and not (is_dated or (self.raw or {}).get(key))

    def _above(self, key: Key) -> tuple[Sides, Key] | None:
        """Return the parent whose times tell of a nested record that is not here: it may have left its parent since."""
        item = self.source.get(key)
        if self.parent is None or item is None or item.parent_id is None or self.refined.get(key):
            return None
        return self.parent, (key[0], item.parent_id)

    def _came(self, key: Key) -> datetime | None:
        """When our side learned of a record last: by its newest version, else by its refined rows."""
        raw = (self.raw or {}).get(key)
        if raw:
            return raw["received_at"]  # type: ignore[no-any-return]
        times = [_came(row) for row in self.refined.get(key, [])]
        return max((time for time in times if time), default=None)

    def state(self, key: Key) -> datetime | None:
        """Return when the state that we know came about at the source; None of a deletion, which tells no time."""
        raw, rows = (self.raw or {}).get(key), self.refined.get(key, [])
        if (raw and raw["deleted"]) or any(row["deleted"] for row in rows):
            return None
        times = [raw["changed_at"] if raw else None, *(row["updated_at"] for row in rows)]
        return max((time for time in times if time), default=None)

    def digest(self, key: Key) -> str:
        """Return a name for what the database has of a key: another one for any other state of it."""
        raw = (self.raw or {}).get(key)
        state = [raw and raw["row_id"], *(sorted(row.items()) for row in self.refined.get(key, []))]
        return hashlib.sha256(json.dumps(state, default=str).encode()).hexdigest()

    def examined(self, keys: Iterable[Key]) -> Iterator[Row]:
        """Yield each tenant's line for a check's ``examined``: how many keys were judged, or why none could be."""
        counts = Counter(tenant for tenant, _ in keys)
        for tenant in self.tenants:
            problem = self.problems.get(tenant)
            judged = counts[tenant] + self.agreed[tenant]
            yield {"tenant": tenant, "resource": self.name, "examined": judged, "reason": problem}


def _came(row: Row) -> datetime | None:
    """When a refined row came to be as it is. Other work may touch the rows, so the source's own time comes first."""
    if row["updated_at"] and not row["deleted"]:
        return row["updated_at"] + WHOLE_SECOND  # type: ignore[no-any-return]
    return row["refined_at"]  # type: ignore[no-any-return]


def sides(audit: Audit, name: str) -> Sides:
    """Read one resource on all sides; kept by the audit, since several checks of a phase need it."""
    kept: dict[str, Sides] = audit.kept.setdefault("sides", {})
    if name not in kept:
        kept[name] = _read_or_lost(audit, name)
    return kept[name]


def is_held_whole(audit: Audit, name: str) -> bool:
    """Return whether `sides` holds every key of a resource; kept by the audit, as the answer counts rows."""
    kept: dict[str, bool] = audit.kept.setdefault("sides held whole", {})
    if name not in kept:
        kept[name] = is_small(audit, name, MOST_WHOLE)
    return kept[name]


def _read_or_lost(audit: Audit, name: str) -> Sides:
    """Read one resource; where its table, or that of the record it stands in, is lost, the others can be judged."""
    nested = audit.parameters.resources[name].nested
    parent = sides(audit, nested.in_) if nested else None
    try:
        if parent and parent.lost:
            raise SnapshotLost(parent.lost)
        found = _read(audit, name)
    except SnapshotLost as error:
        found = _begun(audit, name)
        found.lost, found.whole = str(error), False
        found.problems = dict.fromkeys(found.tenants, found.lost) | found.problems
    found.parent = parent
    return found


def sides_of(audit: Audit, name: str, keys: set[Key]) -> Sides:
    """Read the records with these keys alone on all sides, whether they differ or not."""
    found = _read(audit, name, keys)
    if found.resource.nested:
        above = {(tenant, one.parent_id) for (tenant, _), one in found.source.items() if one.parent_id is not None}
        found.parent = sides_of(audit, found.resource.nested.in_, above)
    return found


def _begun(audit: Audit, name: str) -> Sides:
    """Return the sides of a resource, empty, with what is known to be wrong with its source."""
    parameters = audit.parameters
    resource = parameters.resources[name]
    clock_error = timedelta(seconds=parameters.policy.clock_error_seconds)
    # The source comes first: by hand its reading renews the snapshot that the database is read at.
    started = audit.source.started
    instant = datetime.fromisoformat(audit.instant)
    found = Sides(name, resource, parameters.tenant_names, started, instant, clock_error)
    found.problems = problems_of(audit, name)
    return found


def _read(audit: Audit, name: str, wanted: set[Key] | None = None) -> Sides:
    found = _begun(audit, name)
    good = [tenant for tenant in found.tenants if tenant not in found.problems]
    if wanted is None and not is_held_whole(audit, name):
        wanted = unsettled(audit, name, good, found.started - found.clock_error)
    found.whole = wanted is None
    named = {tenant for tenant, _ in wanted or ()}
    for tenant in good:
        if wanted is None:
            items = list(audit.source.items(tenant, name))
        else:
            items = list(picked(audit, name, tenant, wanted)) if tenant in named else []
        found.source |= {(tenant, item.source_id): item for item in items}
        if wanted is not None:
            counted = audit.source.count(tenant, name)
            if counted is None:  # of a part
                counted = sum(1 for _ in audit.source.items(tenant, name))
            found.agreed[tenant] = counted - len(items)
    _fill(found, audit, audit.database, wanted)
    return found


def problems_of(audit: Audit, name: str) -> dict[str, str]:
    """Return why a resource's list cannot be relied on, for each tenant for which that is so."""
    return {one: said for one in audit.parameters.tenant_names if (said := audit.source.problem(one, name))}


def present(audit: Audit, judged: Sides, keys: set[Key], source: dict[Key, Item]) -> Sides:
    """Return some keys of a resource as the database has them now, not at the run's instant, beside `source`."""
    found = replace(judged, source=source, raw=None, refined={})
    _fill(found, audit, audit.database.now(), keys)
    return found


def _fill(found: Sides, audit: Audit, database: Database, wanted: set[Key] | None) -> None:
    """Read our own sides of `wanted`, None for all keys."""
    name = found.name
    for row in rows_of(audit, database, REFINED, name, wanted):
        found.refined.setdefault((row["tenant"], row["source_id"]), []).append(row)
    if audit.parameters.has_raw_rows(name):
        values = {"with_payload": found.resource.read is not None}
        rows = rows_of(audit, database, NEWEST_RAW, name, wanted, values)
        found.raw = {(row["tenant"], row["source_id"]): row for row in rows}


def rows_of(
    audit: Audit, database: Database, sql: str, name: str, wanted: set[Key] | None, values: Row | None = None
) -> list[Row]:
    """Return what a select finds of the keys in its slot ``{wanted}``; None for `wanted` binds ``whole``."""
    listed = sorted((wanted or set()), key=str)
    bound = {
        "whole": wanted is None,
        "wanted_tenants": [one for one, _ in listed],
        "wanted_ids": [i for _, i in listed],
    }
    only = None if wanted is None else {source_id for _, source_id in wanted}
    filled = audit.relations.fill(sql.replace("{wanted}", WANTED), {"resource": name}, [name], only)
    bound |= {**audit.values(), "resource_name": name, **(values or {}), **filled.values}
    return database.query(filled.sql, bound, most=None).records
