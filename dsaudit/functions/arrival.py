"""Phases 6 and 7: does what changes at the source arrive, and by the way that is meant to bring it?"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from dsaudit.facts.webhooks import due
from dsaudit.functions import Found, Row, frames
from dsaudit.reconcile import Key, Sides, latest, newest_due, rows_of
from dsaudit.source.recording import SOURCE_TO_US

if TYPE_CHECKING:
    from dsaudit.audit import Audit


# Of each record: when its first version came, and the first by webhook; of when the oldest version is, and the newest
# by webhook, or that one by webhook does not say.
ARRIVALS = """
select tenant, source_id, min(received_at) as first_at, min(received_at) filter (where by_webhook) as first_by_webhook,
       min(changed_at) as oldest, max(changed_at) filter (where by_webhook) as newest_by_webhook,
       coalesce(bool_or(by_webhook and changed_at is null), false) as is_undated
from {raw} as r
where resource = %(resource_name)s and not deleted and (%(whole)s or (tenant, source_id) in (select * from {wanted}))
group by 1, 2
"""
FIRSTS = """
select tenant, min(received_at) as first_at, min(received_at) filter (where by_webhook) as first_by_webhook
from {raw} as r where resource = %(resource_name)s and not deleted group by 1
"""
ARRIVED = """
select tenant, source_id, max(received_at) as received_at
from {deliveries} as d
where resource = %(resource_name)s and accepted and tenant is not null
  and (%(whole)s or (tenant, source_id) in (select * from {wanted}))
group by 1, 2
"""
LAST_RECEIVED = "select tenant, max(received_at) as received_at, count(*) as records from {raw} as r group by 1"


def clocks_agree(audit: Audit) -> Found:
    """No clock of the source, of the database and of this machine is seen to differ by more than the file allows.

    why: a wrong clock makes what is late look quick and what is quick look late, and a new state look like an old one
    requirement: DS6.1
    severity: low
    needs: source.base_url or source.base_url_env
    key: clocks
    show: clocks
    expect: clock_error_seconds
    explains: latency_within_limit, no_record_from_the_future
    remedy: let all machines keep their time by NTP; raise policy.clock_error_seconds if one of them cannot
    """
    offsets = audit.source.offsets
    allowed = audit.parameters.policy.clock_error_seconds
    apart = {clocks: offset for clocks, offset in offsets.items() if offset.least > allowed}
    rows = [{"clocks": clocks, "ahead_at_least": one.low, "ahead_at_most": one.high} for clocks, one in apart.items()]
    value = max((one.least for one in offsets.values()), default=None)
    reason = (
        None if SOURCE_TO_US in offsets else "the source's answers tell no time, or the database's clock was not read"
    )
    line = {"examined": len(offsets), "value": value, "unit": "s (apart, at least)", "reason": reason}
    found = frames(rows, [line])
    pairs = [(*clocks.split(", "), offset) for clocks, offset in offsets.items()]
    found[1].attrs["limits"] = [f"the clock of {one} is {offset} of that of {other}" for one, other, offset in pairs]
    return found


def webhooks_arrive(audit: Audit) -> Found:
    """The newest change of every kind of record came by webhook.

    why: when a subscription falls silent the regular sync still fills the gap, hours late, and nobody notices
    requirement: DS6.1
    severity: critical
    scope: tenant
    having: webhooks
    needs: source, raw
    key: resource, source_id
    remedy: compare the subscriptions at the provider with those that were registered, and register what is missing
    """
    rows: list[Row] = []
    examined = dict.fromkeys(audit.parameters.tenant_names, 0)
    problems: dict[str, str] = {}
    for name, resource in audit.parameters.resources.items():
        both = newest_due(audit, name, due(audit, resource)) if resource.webhooks else None
        if both is None:
            continue
        problems |= both.problems
        for tenant, ways in _ways(audit, both).items():
            newest = ways.newest()
            examined[tenant] += len(newest)
            for key in newest:
                if not ways.came_by_webhook(key):
                    changed = both.changed(key)
                    rows.append({"tenant": tenant, "resource": name, "source_id": key[1], "changed_at": changed})
    lines = [{"tenant": one, "examined": count, "reason": problems.get(one)} for one, count in examined.items()]
    return _frames(rows, lines)


def ingest_is_current(audit: Audit) -> Found:
    """What changes at the source arrives within the declared time, by one way or another.

    why: an ingest that stands still raises no error; the tables just stop at a moment that nobody looks at
    requirement: DS7.1
    severity: critical
    scope: tenant
    needs: source, raw
    key: resource, source_id
    expect: silence_seconds
    explains: raw_differs_from_source, source_missing_in_raw, source_missing_in_refined, webhooks_arrive
    remedy: see whether receiver and sync run, and whether the provider still accepts their token
    """
    instant = datetime.fromisoformat(audit.instant)
    frame = audit.query(LAST_RECEIVED)
    last = {row["tenant"]: row["received_at"] for row in frame.to_dict("records")}
    received = {row["tenant"]: row["records"] for row in frame.to_dict("records")}
    rows, examined = [], []
    for tenant in audit.parameters.tenant_names:
        changes, problem = _changes(audit, tenant)
        line: Row = {"tenant": tenant, "examined": received.get(tenant, 0), "unit": "s", "value": 0, "reason": problem}
        examined.append(line)
        if tenant not in last:
            line["reason"] = problem or "nothing of this tenant was ever received"
            continue
        newest = max(changes, default=None)
        if newest is None or last[tenant] >= newest[0]:
            continue
        waited = (instant - newest[0]).total_seconds()
        line["value"] = round(waited, 1)
        if waited > audit.parameters.policy.silence_seconds:
            where = {"tenant": tenant, "resource": newest[1], "source_id": newest[2]}
            rows.append({**where, "changed_at": newest[0], "last_received_at": last[tenant]})
    return _frames(rows, examined)


def _changes(audit: Audit, tenant: str) -> tuple[list[tuple[datetime, str, str]], str | None]:
    """Return what changed last of a tenant's source, as time of change, resource and id; and what was not whole."""
    changes: list[tuple[datetime, str, str]] = []
    problem = None
    for name, resource in audit.parameters.resources.items():
        if resource.read and resource.updated:
            both = latest(audit, name)
            problem = problem or both.problems.get(tenant)
            keys = ((both.changed(key), name, key[1]) for key in both.source if key[0] == tenant)
            changes += [(changed, resource_name, key) for changed, resource_name, key in keys if changed]
    return changes, problem


@dataclass
class _Ways:
    """By which ways the records of one tenant and resource came; of a large one, those that may be the newest."""

    both: Sides
    tenant: str
    due: set[str]  # whether a webhook tells of a creation, of an update
    first_at: datetime | None = None  # when anything came at first, and by webhook
    first_by_webhook: datetime | None = None
    arrivals: dict[Key, Row] = field(default_factory=dict)
    arrived: dict[Key, datetime] = field(default_factory=dict)  # the last delivery that was accepted

    def newest(self) -> list[Key]:
        """Return the records that changed last at the source, if a webhook should have told of them.

        Times in whole seconds make them several now and then.
        """
        keys = [key for key in self.both.source if key[0] == self.tenant and not self.both.in_flight(key)]
        if self.first_at is None or not keys or not self.due:
            return []
        dated = [(changed, key) for key in keys if (changed := self._changed(key))]
        if "create" not in self.due:
            dated = [(changed, key) for changed, key in dated if self._was_older(key, changed)]
        elif not dated:
            return self._came_last(keys)
        if not dated:
            return []
        # What changed before the first reading came with it, and no webhook was due.
        last = max(changed for changed, _ in dated)
        return [key for changed, key in dated if changed == last > self.first_at]

    def _changed(self, key: Key) -> datetime | None:
        """When a record changed, where webhooks tell of changes and not of new records alone."""
        return self.both.changed(key) if "update" in self.due else None

    def _was_older(self, key: Key, changed: datetime) -> bool:
        """Return whether we have an older state of a record, which proves that it was not new."""
        oldest = self.arrivals[key]["oldest"] if key in self.arrivals else None
        return oldest is not None and oldest < changed

    def _came_last(self, keys: list[Key]) -> list[Key]:
        """Return the record that came last, once webhooks had begun: where no time of change is told, the newest."""
        came = [(self.arrivals[key]["first_at"], key) for key in keys if key in self.arrivals]
        began = self.first_by_webhook
        return [key for time, key in sorted(came)[-1:] if began is not None and began <= time]

    def came_by_webhook(self, key: Key) -> bool:
        """Return whether a webhook told of a record's present state."""
        changed = self._changed(key)
        if key in self.arrived and (changed is None or self.arrived[key] >= changed - self.both.clock_error):
            return True
        came = self.arrivals.get(key)
        if came is None or came["first_by_webhook"] is None:
            return False
        newest = came["newest_by_webhook"]
        return changed is None or came["is_undated"] or (newest is not None and newest >= changed)


def _ways(audit: Audit, both: Sides) -> dict[str, _Ways]:
    told, keys = due(audit, both.resource), None if both.whole else set(both.source)
    found = {tenant: _Ways(both, tenant, told) for tenant in both.tenants}
    for row in rows_of(audit, audit.database, FIRSTS, both.name, None):
        found[row["tenant"]].first_at, found[row["tenant"]].first_by_webhook = row["first_at"], row["first_by_webhook"]
    for row in rows_of(audit, audit.database, ARRIVALS, both.name, keys):
        found[row["tenant"]].arrivals[row["tenant"], row["source_id"]] = row
    for row in rows_of(audit, audit.database, ARRIVED, both.name, keys) if audit.parameters.deliveries else []:
        found[row["tenant"]].arrived[row["tenant"], row["source_id"]] = row["received_at"]
    return found


def _frames(rows: list[Row], examined: list[Row]) -> Found:
    return frames(sorted(rows, key=lambda row: (row["tenant"], row["resource"], row["source_id"])), examined)
