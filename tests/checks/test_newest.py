"""Of a large resource few records are held to tell whether changes arrive: what is said is what all of them say.

The reference here is slow and plain: it holds every record and every row.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from dsaudit.audit import Audit
from dsaudit.facts.changes import BEGAN, _never_came
from dsaudit.facts.webhooks import due
from dsaudit.functions.arrival import _ways, ingest_is_current, webhooks_arrive
from dsaudit.reconcile import ahead_of_raw, latest, newest_due, settled
from dsaudit.source.recording import Recording, changed_at
from tests.checks.auditing import opened

Key = tuple[str, str]
VERSIONS = """
select tenant, source_id, deleted, received_at, changed_at, by_webhook
from {raw} as r where resource = %(resource_name)s order by version
"""
REFINED = "select tenant, source_id, deleted, updated_at, refined_at from {refined} as f"
DELIVERED = """
select tenant, source_id, received_at
from {deliveries} as d where resource = %(resource_name)s and accepted and tenant is not null
"""
SECOND = timedelta(seconds=1)
FAULTS = ["changes_polled", "deliveries_stopped", "subscription_silent", "children_beyond_a_limit", "ingest_stopped"]
DAMAGES = [
    "delete from shopify_raw_ingest where hashtext(shopify_object_id) % 9 = 0",
    "delete from shopify_line_item_tax where hashtext(id::text) % 5 = 0",
    # Addresses that we know nothing of are in flight with their customer.
    "delete from shopify_customer_address",
    "delete from shopify_raw_ingest where object_type = 'customer_address' and hashtext(shopify_object_id) % 2 = 0",
    # What came at first came long ago: whatever changed, a webhook was due for.
    "update shopify_raw_ingest set created_at = created_at - interval '9 years'"
    " where hashtext(shopify_object_id) % 9 = 1",
    # Of one tenant the newest records have no raw row.
    """delete from shopify_raw_ingest where (integration_id, object_type, shopify_object_id) in (
         select distinct on (object_type) integration_id, object_type, shopify_object_id from shopify_raw_ingest
         where integration_id = (select min(id::text)::uuid from integration)
         order by object_type, source_updated_at desc nulls last)""",
]
NESTED = ["product_image", "line_item_tax", "customer_address"]
TOLD = [{"create", "update"}, {"create", "update"}, {"update"}, {"create"}]  # of what webhooks may tell


@dataclass
class Plain:
    """All records of a resource, each with its time of change, its versions and its rows."""

    changed: dict[Key, datetime | None]
    versions: dict[Key, list[dict[str, Any]]]
    rows: dict[Key, list[dict[str, Any]]]
    heard: dict[Key, list[datetime]]  # its accepted deliveries
    above: dict[Key, tuple[Plain, Key]]  # what a nested one stands in
    started: datetime
    latest: datetime
    slack: timedelta

    def came(self, key: Key) -> datetime | None:
        if key in self.versions:
            return self.versions[key][-1]["received_at"]
        times = [
            row["updated_at"] + SECOND if row["updated_at"] and not row["deleted"] else row["refined_at"]
            for row in self.rows[key]
        ]
        return max(filter(None, times), default=None)

    def state(self, key: Key) -> datetime | None:
        versions, rows = self.versions.get(key, [])[-1:], self.rows[key]
        if any(one["deleted"] for one in [*versions, *rows]):
            return None
        told = [one["changed_at"] for one in versions] + [one["updated_at"] for one in rows]
        return max(filter(None, told), default=None)

    def in_flight(self, key: Key) -> bool:
        if key in self.above and not self.rows[key]:
            plain, parent = self.above[key]
            return replace(plain, started=self.started).in_flight(parent)
        came, ours, theirs = self.came(key), self.state(key), self.changed[key]
        if came is None or came < self.started - self.slack or came > self.latest + SECOND:
            return False
        if ours and ours > self.latest:
            return False
        if not ours or not theirs:
            return True
        return ours > theirs or (ours == theirs and theirs >= self.started - self.slack - SECOND)


def read(audit: Audit, name: str) -> Plain:
    kept: dict[str, Plain] = audit.kept.setdefault("plain", {})
    if name not in kept:
        kept[name] = read_anew(audit, name)
    return replace(kept[name], started=audit.source.started)


def read_anew(audit: Audit, name: str) -> Plain:
    resource = audit.parameters.resources[name]
    slack = timedelta(seconds=audit.parameters.policy.clock_error_seconds)
    until = datetime.fromisoformat(audit.instant) + slack
    found = Plain({}, {}, defaultdict(list), defaultdict(list), {}, audit.source.started, until, slack)
    parent = read(audit, resource.nested.in_) if resource.nested else None
    for tenant in audit.parameters.tenant_names:
        if audit.source.problem(tenant, name) is None:
            for item in audit.source.items(tenant, name):
                found.changed[tenant, item.source_id] = changed_at(resource, item.top)  # an own list's record itself
                if parent and item.parent_id is not None:
                    found.above[tenant, item.source_id] = parent, (tenant, item.parent_id)
    for row in audit.query(VERSIONS, resources=[name], resource_name=name).to_dict("records"):
        found.versions.setdefault((row["tenant"], row["source_id"]), []).append(row)
    for row in audit.query(DELIVERED, resources=[name], resource_name=name).to_dict("records"):
        found.heard[row["tenant"], row["source_id"]].append(row["received_at"])
    for row in audit.query(REFINED, {"resource": name}, [name]).to_dict("records"):
        found.rows[row["tenant"], row["source_id"]].append(row)
    return found


def dates(versions: list[dict[str, Any]]) -> list[datetime]:
    return [one["changed_at"] for one in versions if one["changed_at"]]


def newest(plain: Plain, tenant: str, told: set[str]) -> set[Key]:
    """The records that webhooks have to have told of."""
    own = {key: [one for one in versions if not one["deleted"]] for key, versions in plain.versions.items()}
    own = {key: versions for key, versions in own.items() if key[0] == tenant and versions}
    keys = {key for key in plain.changed if key[0] == tenant and not plain.in_flight(key)}
    if not own or not told:
        return set()
    times = {key: plain.changed[key] for key in keys if "update" in told and plain.changed[key]}
    if "create" not in told:
        times = {key: time for key, time in times.items() if any(one < time for one in dates(own.get(key, [])))}
    first = min(one["received_at"] for versions in own.values() for one in versions)
    if times:
        return {key for key, time in times.items() if time == max(times.values()) and time > first}
    began = min((one["received_at"] for some in own.values() for one in some if one["by_webhook"]), default=None)
    if "create" not in told or began is None or not keys & set(own):
        return set()
    time, key = max((min(one["received_at"] for one in own[key]), key) for key in keys & set(own))
    return {key} if began <= time else set()


def came_by_webhook(plain: Plain, key: Key, told: set[str]) -> bool:
    changed = plain.changed[key] if "update" in told else None
    heard = plain.heard[key]
    if heard and (changed is None or max(heard) >= changed - plain.slack):
        return True
    hooked = [one for one in plain.versions.get(key, []) if one["by_webhook"] and not one["deleted"]]
    if changed is None:
        return bool(hooked)
    return any(one["changed_at"] is None or one["changed_at"] >= changed for one in hooked)


def arrived(audit: Audit) -> tuple[list[Any], dict[str, int]]:
    rows, examined = [], dict.fromkeys(audit.parameters.tenant_names, 0)
    for name, resource in audit.parameters.resources.items():
        plain, of = read(audit, name), due(audit, resource)
        for tenant in examined if resource.webhooks else []:
            found = newest(plain, tenant, of)
            examined[tenant] += len(found)
            silent = {key for key in found if not came_by_webhook(plain, key, of)}
            rows += [(tenant, name, key[1], plain.changed[key]) for key in silent]
    return sorted(rows, key=lambda row: row[:3]), examined


def current(audit: Audit) -> tuple[list[Any], dict[str, float]]:
    rows, waited = [], {}
    came = dict(audit.query("select tenant, max(received_at) as at from {raw} as r group by 1").itertuples(index=False))
    for tenant in audit.parameters.tenant_names:
        changes = [
            (changed, name, key[1])
            for name, one in audit.parameters.resources.items() if one.read and one.updated
            for key, changed in read(audit, name).changed.items() if key[0] == tenant and changed
        ]  # fmt: skip
        last = max(changes, default=None)
        waited[tenant] = 0.0
        if last and tenant in came and came[tenant] < last[0]:
            waited[tenant] = round((datetime.fromisoformat(audit.instant) - last[0]).total_seconds(), 1)
            if waited[tenant] > audit.parameters.policy.silence_seconds:
                rows.append((tenant, last[1], last[2], last[0], came[tenant]))
    return sorted(rows), waited


def never_came(audit: Audit, began: dict[Key, datetime], clock: timedelta) -> set[Any]:
    """The newest changes that never came."""
    oldest = datetime.fromisoformat(audit.instant) - timedelta(days=audit.parameters.policy.latency_days)
    found = set()
    for name in {name for _, name in began}:
        plain = read(audit, name)
        for key, changed in plain.changed.items():
            start, ours = began.get((key[0], name)), plain.versions.get(key, [None])[-1]
            if not changed or not start or changed <= max(start + clock, oldest) or plain.in_flight(key):
                continue
            if ours is None or (ours["changed_at"] and ours["changed_at"] < changed):
                found.add((key[0], name, key[1], changed, ours is None))
    return found


def said(found: Any, *columns: str) -> tuple[list[Any], dict[str, Any]]:
    """What a check says, as the reference says it."""
    rows, examined = found
    told = [tuple(row[name] for name in columns) for row in rows.to_dict("records")]
    return told, dict(zip(examined["tenant"], examined["value" if "value" in examined else "examined"], strict=True))


def moments(audit: Audit) -> Iterator[datetime]:
    """When the reading of the source may have begun: the earlier, the more is in flight."""
    yield audit.source.started
    times = audit.query("select distinct received_at from {raw} as r order by 1 desc")["received_at"].tolist()
    yield from (times[place] for place in (3, len(times) // 2))


def begin(audit: Audit, patch: pytest.MonkeyPatch, started: datetime) -> None:
    """Have the reading of the source begun at another time."""
    patch.setattr(Recording, "started", started)
    audit.kept.pop("sides", None)


def compared(audit: Audit, patch: pytest.MonkeyPatch) -> int:
    """Hold the checks against the reference, however much is in flight; return how many answers there were."""
    answers = set()
    names = [name for name, one in audit.parameters.resources.items() if due(audit, one)]
    began = audit.query(BEGAN, resources=names)
    starts = {(row["tenant"], row["resource"]): row["began"] for row in began.to_dict("records")}
    clock = timedelta(seconds=audit.values()["clock_high"])
    rows, examined = said(ingest_is_current(audit), "tenant", "resource", "source_id", "changed_at", "last_received_at")
    assert (rows, examined) == current(audit)
    found = said(webhooks_arrive(audit), "tenant", "resource", "source_id", "changed_at")
    assert found == arrived(audit)
    for started in list(moments(audit)):
        begin(audit, patch, started)
        missed = never_came(audit, starts, clock)
        keys = ("tenant", "resource", "source_id", "changed_at", "is_new")
        assert {tuple(row[key] for key in keys) for row in _never_came(audit, names, began)} == missed
        answers.add(repr(missed))
    for name in [*names, *NESTED]:
        changes = sorted({at for at in read(audit, name).changed.values() if at}, reverse=True)
        for started, told in zip(changes, TOLD, strict=False):  # the newest is in flight, two are, three are, and so on
            begin(audit, patch, started)
            patch.setattr("dsaudit.functions.arrival.due", lambda *_, told=told: told)
            ways = _ways(audit, newest_due(audit, name, told))
            expected = {tenant: newest(read(audit, name), tenant, told) for tenant in ways}
            assert {tenant: set(one.newest()) for tenant, one in ways.items()} == expected, (name, started, told)
            answers.add(repr(expected))
    return len(answers)


def held(audit: Audit) -> tuple[int, int]:
    """How many records were held of how many, for all that is asked."""
    kept = whole = 0
    for name, one in audit.parameters.resources.items():
        whole += 3 * sum(audit.source.count(tenant, name) or 0 for tenant in audit.parameters.tenant_names)
        some = [latest(audit, name), newest_due(audit, name, due(audit, one)), ahead_of_raw(audit, name, {})]
        kept += sum(len(sides.source) for sides in some)
    return kept, whole


def take(way: str, patch: pytest.MonkeyPatch) -> None:
    """Have resources held whole, as small ones are; read record by record; or in DuckDB, as a long list is."""
    if way != "whole":
        # By way of sys.modules: the package shows a function of the module's name.
        patch.setattr(sys.modules["dsaudit.reconcile.sides"], "MOST_WHOLE", 0)
        patch.setattr(settled, "STRAIGHT", 0 if way == "as it lies" else 10**9)


def test_of_the_clean_sample_a_tenth_is_held_and_the_same_is_said(sample: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    take("as it lies", monkeypatch)
    with opened(sample.parameters, sample.environment) as audit:
        assert audit.source.index
        kept, every = held(audit)
        assert kept < every / 10
        assert compared(audit, monkeypatch) > 10


@pytest.fixture(scope="module")
def faulty(sample: Any) -> Iterator[Any]:
    """A clone of the sample with several faults of what webhooks bring."""
    with sample.clone() as clone:
        for fault in FAULTS:
            clone.plant(fault, seed=1)
        with clone.owner() as connection:
            for statement in DAMAGES:
                connection.execute(statement)
        yield clone


@pytest.mark.parametrize("way", ["whole", "one by one", "as it lies"])
def test_of_planted_faults_the_same_is_said(faulty: Any, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    take(way, monkeypatch)
    with opened(faulty.parameters, faulty.environment) as audit:
        assert audit.source.index
        assert len(webhooks_arrive(audit)[0]) and len(ingest_is_current(audit)[0])
        assert compared(audit, monkeypatch) > 10
