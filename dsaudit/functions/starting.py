"""Phase 2: does a sync run to its end that is started while somebody looks?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsaudit.facts.started_syncs import started_syncs
from dsaudit.functions import Found, Row, frames

if TYPE_CHECKING:
    from dsaudit.audit import Audit


def syncs_started_now_complete(audit: Audit) -> Found:
    """A sync that is started now for each resource runs to its end.

    why: what a schedule did last night says little of what the code does today; one that is started shows it
    requirement: DS2.2
    severity: high
    scope: tenant, resource
    having: sync
    needs: syncs, syncs.run
    acts: it has the integration sync each resource once
    key: outcome
    show: outcome, told
    explains: last_sync_completed
    remedy: read the error of the run, mend its cause, and start it again; a silent one was not started or not recorded
    """
    started = started_syncs(audit)
    if started is None:
        nothing = "the run that is replayed started none"
        pairs = [(tenant, name) for tenant in audit.parameters.tenant_names for name in audit.parameters.resources]
        return frames([], [{"tenant": one, "resource": name, "examined": 0, "reason": nothing} for one, name in pairs])
    rows: list[Row] = []
    examined: list[Row] = []
    for one in started:
        scope = {"tenant": one.tenant, "resource": one.resource}
        unknown = one.outcome == "unknown"
        if not unknown and one.outcome != "completed":
            figures = {"fetched": one.fetched, "pages": one.pages, "output": one.output or None}
            rows.append({**scope, "outcome": one.outcome, "told": one.told, **figures})
        examined.append({**scope, "examined": 0 if unknown else 1, "reason": one.told if unknown else None})
    return frames(rows, examined)
