"""Tables of phase 6: by which way the changes of each resource came, and when webhooks fell silent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from dsaudit.facts.changes import changes, silences

if TYPE_CHECKING:
    from dsaudit.audit import Audit


def changes_by_way(audit: Audit) -> pd.DataFrame:
    """By which way each change came that a webhook was due for.

    having: webhooks
    needs: webhooks, raw.columns.via, raw.columns.changed_at
    key: resource
    show: tenant, resource
    """
    found = changes(audit)
    lines = []
    for (tenant, name), part in found.groupby(["tenant", "resource"]) if len(found) else []:
        told, came = part["told"].astype(bool), part["received_at"].notna()
        counts = {"by_webhook": told.sum(), "by_sync": (~told & came).sum(), "never": (~told & ~came).sum()}
        share = {"percent_by_webhook": round(100 * told.mean(), 1)}
        lines.append({"tenant": tenant, "resource": name, "changes": len(part), **counts, **share})
    return pd.DataFrame(lines, dtype=object)


def webhook_silences(audit: Audit) -> pd.DataFrame:
    """When webhooks fell silent while the source changed.

    having: webhooks
    needs: webhooks, raw.columns.via, raw.columns.changed_at
    key: resource
    show: tenant, resource
    """
    lines = [
        {"tenant": one.tenant, "resource": one.resource, "silent_from": one.begin, "silent_to": one.end}
        | {"changes": len(one.changes), "by_chance": float(f"{one.odds:.1e}")}
        for one in silences(audit)
    ]
    return pd.DataFrame(lines, columns=["tenant", "resource", "silent_from", "silent_to", "changes", "by_chance"])
