"""Which changes at the source a webhook told of, and where so many in a row were not told that it fell silent.

Only what a time of change dates, and what changed after the first reading, is a change that a webhook was due for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from dsaudit.facts.webhooks import due
from dsaudit.reconcile import ahead_of_raw

if TYPE_CHECKING:
    from dsaudit.audit import Audit

BEGAN = "select tenant, resource, min(received_at) as began from {raw} as r group by 1, 2"
CHANGES = """
with recent as (
  select r.tenant, r.resource, source_id, changed_at, received_at, sequence, by_webhook
  from {raw} as r
  join jsonb_to_recordset(%(began)s::jsonb) as b (tenant text, resource text, began timestamptz)
    on b.tenant = r.tenant::text and b.resource = r.resource
  where not deleted and changed_at > began + make_interval(secs => %(clock_high)s::double precision)
    and changed_at >= %(instant)s::timestamptz - make_interval(days => %(latency_days)s)
), firsts as (
  select tenant, resource, source_id, min(sequence) as first
  from {raw} as r where (tenant, resource, source_id) in (select tenant, resource, source_id from recent)
  group by 1, 2, 3
)
select tenant, resource, source_id, changed_at, min(received_at) as received_at, bool_or(by_webhook) as told,
       bool_or(sequence = first) as is_new
from recent join firsts using (tenant, resource, source_id)
group by tenant, resource, source_id, changed_at
"""
HEARD = """
select tenant, resource, source_id, max(received_at) as heard,
       (select min(received_at) from {deliveries} as every_delivery) as since
from {deliveries} as d
where accepted and tenant is not null and resource is not null
  and received_at >= %(instant)s::timestamptz - make_interval(days => %(latency_days)s + 1)
group by 1, 2, 3
"""
WITHIN = " and received_at >= %(instant)s::timestamptz - make_interval(days => %(latency_days)s)"
ARRIVALS = {
    True: "select tenant, resource, received_at from {deliveries} as d where accepted and tenant is not null" + WITHIN,
    False: "select tenant, resource, received_at from {raw} as r where by_webhook" + WITHIN,
}
RECORD = ["tenant", "resource", "source_id"]
ALL = "all"  # what stands for the resource of a silence of all topics
CHANCE = 0.001  # how seldom chance alone may bring forth what is called a silence


def changes(audit: Audit) -> pd.DataFrame:
    """Return every change that a webhook was due for, in the order in which they happened.

    Columns: tenant, resource, source_id, changed_at, received_at (NaT of what never came), told. A change was told if
    a version of it came by webhook, or the log has an accepted delivery of the record after it. Without a log, what a
    sync brought within the time that a webhook has may have overtaken it, and counts as told. What is older than the
    policy's `latency_days` is not looked at.
    """
    if "changes" not in audit.kept:
        names = [name for name, one in audit.parameters.resources.items() if due(audit, one)]
        began = audit.query(BEGAN, resources=names) if names else pd.DataFrame()
        given = json.dumps(began.to_dict("records"), default=str)
        brought = audit.query(CHANGES, resources=names, began=given) if len(began) else began
        found = pd.DataFrame([*brought.to_dict("records"), *_never_came(audit, names, began)])
        if len(found):
            found = _due(audit, found)
            times = {name: pd.to_datetime(found[name], utc=True) for name in ("changed_at", "received_at")}
            found = _told(audit, found.assign(**times), names).sort_values(["changed_at", *RECORD], ignore_index=True)
        audit.kept["changes"] = found
    kept: pd.DataFrame = audit.kept["changes"]
    return kept


def _due(audit: Audit, found: pd.DataFrame) -> pd.DataFrame:
    """Return those changes of which a topic tells: the first version of a record is no proof of an update."""
    told = {name: due(audit, one) for name, one in audit.parameters.resources.items()}
    kinds = found["is_new"].astype(bool).map({True: "create", False: "update"})
    return found[[kind in told[name] for kind, name in zip(kinds, found["resource"], strict=True)]]


def _never_came(audit: Audit, names: list[str], began: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield the newest change of each record of the source that never came, by webhook or otherwise."""
    if audit.parameters.source is None:
        return
    high = timedelta(seconds=audit.values()["clock_high"])
    oldest = datetime.fromisoformat(audit.instant) - timedelta(days=audit.parameters.policy.latency_days)
    starts = {(row["tenant"], row["resource"]): row["began"] for row in began.to_dict("records")}
    for name in names:
        since = {tenant: max(start + high, oldest) for (tenant, of), start in starts.items() if of == name}
        both = ahead_of_raw(audit, name, since)
        for key in both.source:
            changed, start, row = both.changed(key), since.get(key[0]), (both.raw or {}).get(key)
            is_due = changed and start and changed > start and not both.in_flight(key)
            if is_due and (row is None or (row["changed_at"] and row["changed_at"] < changed)):
                line = {"tenant": key[0], "resource": name, "source_id": key[1], "changed_at": changed}
                yield {**line, "received_at": None, "told": False, "is_new": row is None}


def _told(audit: Audit, found: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Return the changes with what else tells that a webhook came; what is older than a log is known to nobody."""
    values = audit.values()
    high = pd.Timedelta(seconds=values["clock_high"])
    told = found["told"].astype(bool)
    if audit.parameters.deliveries is None:
        quick = pd.Timedelta(seconds=values["latency_seconds"]) + high
        return found.assign(told=told | (found["received_at"] - found["changed_at"] <= quick))
    heard = audit.query(HEARD, resources=names)
    found = found.merge(heard, "left", RECORD) if len(heard) else found.assign(heard=None, since=None)
    last, since = (pd.to_datetime(found[name], utc=True) for name in ("heard", "since"))
    told |= (last >= found["changed_at"] - high).to_numpy()
    return found.assign(told=told.to_numpy())[told.to_numpy() | ~(found["changed_at"] < since.max()).to_numpy()]


@dataclass(frozen=True)
class Silence:
    """A stretch of time in which the source changed, and no webhook came: of a resource, or of all."""

    tenant: str
    resource: str
    begin: datetime
    end: datetime
    changes: pd.DataFrame
    odds: float  # how often chance alone would make such a stretch


def silences(audit: Audit) -> list[Silence]:
    """Return where a tenant's webhooks fell silent while the source changed, of all topics or of one resource.

    The rhythm is the source's own: its moments of change, one a second, in their order. If a webhook misses a moment
    with the probability q, n moments hold a row of k that are missed at most n * q^k times on average (the sum over all
    places where such a row can begin; W. Feller, An Introduction to Probability Theory and Its Applications, XIII.7, on
    runs). q is what was missed outside of the row, (missed + 1) / (moments + 2), the rule of succession. A row that
    would come by chance less often than once in a thousand audits is no chance. Nights, weekends and bursts have no
    weight in it: where nothing changes, nothing is missed.
    """
    found: list[Silence] = []
    every, arrivals = changes(audit), _arrivals(audit)
    for tenant, own in every.groupby("tenant") if len(every) else []:
        heard = arrivals[arrivals["tenant"] == tenant]
        whole = list(_silent(audit, str(tenant), ALL, own, heard["received_at"]))
        rest = own.drop(index=[place for one in whole for place in one.changes.index])
        found += whole
        for name, part in rest.groupby("resource"):
            found += _silent(audit, str(tenant), str(name), part, heard.loc[heard["resource"] == name, "received_at"])
    return found


def _arrivals(audit: Audit) -> pd.DataFrame:
    found = audit.query(ARRIVALS[audit.parameters.deliveries is not None])
    return found.assign(received_at=pd.to_datetime(found["received_at"], utc=True)).sort_values("received_at")


def moments(part: pd.DataFrame) -> pd.Series:
    """Return the seconds in which something changed, and whether a webhook told of anything of it."""
    return part.groupby(part["changed_at"].dt.floor("s"))["told"].any()


def by_chance(events: int, missed: int, length: int) -> float:
    """Return how often so many `missed` of so many `events`, strewn by chance, would have a run of that `length`.

    The share that is missed is estimated from what lies outside the run, so that a long one does not excuse itself.
    """
    return float(events * ((missed - length + 1) / (events - length + 2)) ** length)


def _silent(audit: Audit, tenant: str, name: str, part: pd.DataFrame, heard: pd.Series) -> Iterator[Silence]:
    """Yield the rows of missed moments that are no chance, and in which nothing arrived."""
    told = moments(part)
    edges = np.flatnonzero(np.diff(np.concatenate([[1], told.to_numpy(int), [1]])))
    limit, every = pd.Timedelta(seconds=audit.parameters.policy.latency_seconds), int((~told).sum())
    for first, behind in edges.reshape(-1, 2):
        length = int(behind - first)
        odds = by_chance(len(told), every, length)
        if odds >= CHANCE:
            continue
        begin, end = told.index[first], told.index[behind - 1]
        # What arrives at first may tell of what changed before.
        if not ((heard > begin + limit) & (heard < end)).any():
            before, after = heard[heard <= begin].max(), heard[heard >= end].min()
            lost = part[~part["told"] & (part["changed_at"] >= begin) & (part["changed_at"] < end + SECOND)]
            since = begin if pd.isna(before) else before
            until = pd.Timestamp(audit.instant) if pd.isna(after) else after
            yield Silence(tenant, name, since, until, lost, odds)


SECOND = pd.Timedelta(seconds=1)
