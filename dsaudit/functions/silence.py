"""Phase 6: do webhooks bring the changes, of each resource and at all times, or does a sync fill what they leave?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsaudit.facts.changes import changes, moments, silences
from dsaudit.functions import Found, Row, frames
from dsaudit.reconcile import problems_of
from dsaudit.verdict.card import plural

if TYPE_CHECKING:
    from dsaudit.audit import Audit

FEW = 3  # changes that a sync may bring before a webhook by chance
LEAST = 9  # seconds of change; of fewer, `silences` could call no row of missed ones more than chance


def changes_come_by_webhook(audit: Audit) -> Found:
    """Of every resource with topics, webhooks brought some of its changes.

    why: a resource whose changes come by the regular sync alone is as old as that sync, whatever is registered
    requirement: DS6.1
    severity: high
    scope: tenant
    having: webhooks
    needs: webhooks, raw.columns.via, raw.columns.changed_at
    key: resource
    show: resource
    explains: webhooks_arrive, webhooks_come_without_a_gap
    remedy: compare what is registered and handled with the provider's topics, and repeat a change by hand
    """
    found = changes(audit)
    rows: list[Row] = []
    for (tenant, name), part in found.groupby(["tenant", "resource"]) if len(found) else []:
        untold = part[~part["told"]]
        if len(untold) >= FEW and len(untold) == len(part):
            by_sync = int(part["received_at"].notna().sum())
            row = {"tenant": tenant, "resource": name, "by_sync": by_sync, "never": len(part) - by_sync}
            rows.append(row | {"first_changed": part["changed_at"].min(), "last_changed": part["changed_at"].max()})
    counts = {str(tenant): len(part) for tenant, part in found.groupby("tenant")} if len(found) else {}
    return frames(rows, _examined(audit, counts))


def webhooks_come_without_a_gap(audit: Audit) -> Found:
    """Webhooks never fell silent while the source changed.

    why: when deliveries stop for an hour and go on, the next sync fills the hole and nobody learns why data was old
    requirement: DS6.1, DS7.1
    severity: high
    scope: tenant
    having: webhooks
    needs: webhooks, raw.columns.via, raw.columns.changed_at
    key: resource, silent_from
    show: resource, changed
    explains: webhooks_arrive, raw_differs_from_source, source_missing_in_raw, source_missing_in_refined,
        field_differences
    remedy: look at the receiver's log and the provider's list of failed deliveries for this time, then sync once more
    """
    found = changes(audit)
    rows: list[Row] = []
    for one in silences(audit):
        by_sync = int(one.changes["received_at"].notna().sum())
        counted = one.changes["resource"].value_counts().sort_index()
        rows.append(
            {
                "tenant": one.tenant,
                "resource": one.resource,
                "silent_from": one.begin,
                "silent_to": one.end,
                "changed": ", ".join(f"{count} {name}" for name, count in counted.items()),
                "by_sync": by_sync,
                "never": len(one.changes) - by_sync,
                "by_chance": float(f"{one.odds:.1e}"),
            }
        )
    told = {str(tenant): moments(part) for tenant, part in found.groupby("tenant")} if len(found) else {}
    examined = _examined(audit, {tenant: len(one) for tenant, one in told.items()})
    for line in examined:
        untold = int((~told[line["tenant"]]).sum()) if line["tenant"] in told else 0
        if untold and line["examined"] < LEAST:
            seconds = f"of {plural(line['examined'], 'second')} with changes {untold} had no webhook"
            line["reason"] = line["reason"] or f"{seconds}: too few to tell a silence from chance"
    judged = frames(rows, examined)
    if audit.parameters.source is None:
        judged[1].attrs["limits"] = ["what no sync brought is not known, as the file names no source"]
    return judged


def _examined(audit: Audit, counts: dict[str, int]) -> list[Row]:
    """Return each tenant's line; where a list of the source cannot be relied on, what never came is not known."""
    problems: dict[str, str] = {}
    for name, resource in audit.parameters.resources.items():
        if resource.webhooks and audit.parameters.source:
            problems |= problems_of(audit, name)
    return [
        {"tenant": one, "examined": counts.get(one, 0), "reason": problems.get(one)}
        for one in audit.parameters.tenant_names
    ]
