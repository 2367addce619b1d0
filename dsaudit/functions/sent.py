"""Phase 3: what the provider's own log of deliveries tells that ours cannot: it knows what never reached us."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

from dsaudit.catalogue import topics_of
from dsaudit.facts.sent import tells_taken, to_us
from dsaudit.functions import Found, Row, frames
from dsaudit.source import Sent, sent_problem, sent_since

if TYPE_CHECKING:
    from dsaudit.audit import Audit

OURS_SINCE = "select tenant, min(received_at) as since from {deliveries} as d where tenant is not null group by 1"
RECEIVED = """
select tenant, count(*) as received from {deliveries} as d
where tenant is not null and received_at >= %(since)s and (accepted or %(untold)s) group by 1
"""
KNOWN = """
select distinct delivery_id from {deliveries} as d
where delivery_id = any(%(delivery_ids)s) and (accepted or not %(only_accepted)s)
"""
AT_ONCE = 10_000  # ids that are looked up by one query


def deliveries_were_taken(audit: Audit) -> Found:
    """By the provider's own log, the deliveries that it made were taken, and few given up.

    why: while our address does not answer our own log stays empty, and only the provider knows what it gave up
    requirement: DS3.2
    severity: high
    scope: tenant
    needs: source.deliveries
    key: delivery_id, topic, source_id, sent_at
    show: delivery_id, topic, attempts, answer
    expect: delivery_success_percent
    explains: webhooks_arrive, webhooks_come_without_a_gap, source_missing_in_raw, source_missing_in_refined,
        raw_differs_from_source, field_differences
    remedy: see whether the address answered at that time; ask the provider to send them again, or sync once
    """
    # As many may fail as in our own log (`deliveries_succeed`): the providers' figure of 99 % is one of this log, and
    # what a sync has brought since is no loss. What is lost is told by the phase of accuracy, whatever the share.
    rows: list[Row] = []
    examined: list[Row] = []
    limits: list[str] = []
    for tenant in audit.parameters.tenant_names:
        problem = sent_problem(audit.source, tenant)
        states: Counter[str] = Counter()
        lost: list[Sent] = []
        for one in [] if problem else to_us(audit, tenant):
            states[one.state] += 1
            lost += [one] if one.state == "failed" else []
        lost = lost if tells_taken(audit) else _ours(audit, lost)
        taken = states["taken"] if problem or tells_taken(audit) else _received(audit, tenant)
        finished = taken + len(lost)
        share = round(100 * taken / finished, 3) if finished else None
        if share is not None and share < audit.parameters.policy.delivery_success_percent:
            rows += _rows(audit, tenant, lost)
        examined.append({"tenant": tenant, "examined": finished, "value": share, "unit": "%", "reason": problem})
        limits += [f"{states['pending']} of {tenant} are still tried, and not judged"] if states["pending"] else []
    found = frames(rows, examined)
    found[1].attrs["limits"] = limits
    return found


def taken_deliveries_are_logged(audit: Audit) -> Found:
    """Every delivery that the provider counts as taken is in our own log.

    why: somebody else answers at our address, or the receiver answers before it writes, and the change is lost
    requirement: DS3.2
    severity: critical
    scope: tenant
    needs: source.deliveries.columns.delivery_id, source.deliveries.columns.status, deliveries.columns.delivery_id
    key: delivery_id, source_id
    show: delivery_id, topic, attempts, answer
    explains: webhooks_arrive, webhooks_come_without_a_gap, source_missing_in_raw, source_missing_in_refined,
        raw_differs_from_source, field_differences
    remedy: see who else answers at the registered address (another deployment, a proxy), then sync once
    """
    policy = audit.parameters.policy
    margin = timedelta(seconds=policy.in_flight_seconds + policy.clock_error_seconds)
    until = datetime.fromisoformat(audit.instant) - margin
    ours = {row["tenant"]: row["since"] for row in audit.query(OURS_SINCE).to_dict("records")}
    rows: list[Row] = []
    examined: list[Row] = []
    for tenant in audit.parameters.tenant_names:
        problem = sent_problem(audit.source, tenant)
        count = 0
        if tenant in ours and not problem:
            since = ours[tenant] + margin
            taken = (one for one in to_us(audit, tenant) if one.state == "taken" and since <= one.sent_at <= until)
            while some := list(islice(taken, AT_ONCE)):
                count += len(some)
                known = _known(audit, some)
                rows += _rows(audit, tenant, [one for one in some if one.delivery_id not in known])
        examined.append({"tenant": tenant, "examined": count, "reason": problem})
    return frames(rows, examined)


def _known(audit: Audit, deliveries: list[Sent], only_accepted: bool = False) -> set[str]:
    """Return the ids of these deliveries that our own log has."""
    ids = sorted({one.delivery_id for one in deliveries if one.delivery_id})
    return set(audit.query(KNOWN, delivery_ids=ids, only_accepted=only_accepted)["delivery_id"]) if ids else set()


def _ours(audit: Audit, failed: list[Sent]) -> list[Sent]:
    """Return which deliveries of a list of failures were for us, as it may speak of all endpoints of the account."""
    topics, table = topics_of(audit.parameters, audit.parameters.resources), audit.parameters.deliveries
    wanted = [one for one in failed if one.topic in topics]
    has_ids = table is not None and {"delivery_id", "outcome"} <= set(table.columns)
    taken = _known(audit, wanted, only_accepted=True) if has_ids else set()
    return [one for one in wanted if one.delivery_id not in taken]


def _received(audit: Audit, tenant: str) -> int:
    """Return how many deliveries our own log has of the time that the provider's list of failures speaks of."""
    table = audit.parameters.deliveries
    if table is None:
        return 0
    since = sent_since(audit.source, tenant)
    found = audit.query(RECEIVED, since=since, untold="outcome" not in table.columns).to_dict("records")
    return next((int(row["received"]) for row in found if row["tenant"] == tenant), 0)


def _rows(audit: Audit, tenant: str, deliveries: list[Sent]) -> list[Row]:
    resources = topics_of(audit.parameters, audit.parameters.resources)
    return [
        {
            "tenant": tenant,
            "resource": resources.get(one.topic),
            "delivery_id": one.delivery_id,
            "topic": one.topic,
            "source_id": one.source_id,
            "sent_at": one.sent_at,
            "attempts": one.attempts,
            "answer": one.answer or "none",
        }
        for one in deliveries
    ]
