"""Phase 2: did the syncs that say they completed read what there was to read?"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from dsaudit.functions import Found, Row, frames
from dsaudit.parameters import Resource
from dsaudit.source.recording import changed_at

if TYPE_CHECKING:
    from dsaudit.audit import Audit


COMPLETED = """
select tenant, resource, started_at, fetched from {syncs} as s
where state = 'success' order by tenant, resource, started_at
"""


def syncs_fetched_records(audit: Audit) -> Found:
    """No sync says that it completed with nothing while the source had something new for it.

    why: a refusal that is taken for an empty list ends every sync in good order and leaves the table as it is
    requirement: DS2.2
    severity: critical
    scope: tenant, resource
    having: sync
    needs: syncs, source
    key: started_at
    explains: source_missing_in_raw, source_missing_in_refined
    remedy: let the sync function raise what the provider refuses, then run it anew from its beginning
    """
    frame = audit.query(COMPLETED)
    runs: dict[tuple[str, str], list[Row]] = {}
    for run in frame.to_dict("records"):
        runs.setdefault((run["tenant"], run["resource"]), []).append({str(name): value for name, value in run.items()})
    rows: list[Row] = []
    examined: list[Row] = []
    for tenant in audit.parameters.tenant_names:
        for resource, declared in audit.parameters.resources.items():
            if declared.sync:
                completed = runs.get((tenant, resource), [])
                found, reason = _judged(audit, tenant, resource, completed)
                rows += found
                examined.append({"tenant": tenant, "resource": resource, "examined": len(completed), "reason": reason})
    return frames(rows, examined)


def _judged(audit: Audit, tenant: str, resource: str, completed: list[Row]) -> tuple[list[Row], str | None]:
    """Return the last run as a row where it should have fetched something, or why that cannot be told."""
    if not completed or completed[-1]["fetched"]:
        return [], None
    problem = audit.source.problem(tenant, resource)
    if problem:
        return [], problem
    last = completed[-1]
    # A sync may ask for changes alone. What changed since the last one that brought anything was there for this one.
    error = timedelta(seconds=audit.parameters.policy.clock_error_seconds)
    until = last["started_at"] - error
    declared = audit.parameters.resources[resource]
    times = [_last_change(declared, item.record) for item in audit.source.items(tenant, resource)]
    brought = [run for run in completed if run["fetched"]]
    since = brought[-1]["started_at"] if brought and not _reads_all(audit, brought, times, error) else None
    due = sum(1 for time in times if time is not None and _between(since, time, until))
    if due:
        told = {"started_at": last["started_at"], "fetched": 0, "due_at_source": due, "since": since}
        return [{"tenant": tenant, "resource": resource, **told}], None
    if None in times:
        return [], "the last sync fetched nothing, and the source does not say when its records changed"
    return [], None


def _reads_all(audit: Audit, brought: list[Row], times: list[datetime | None], error: timedelta) -> bool:
    """Return whether the sync asks for everything each time: it keeps no watermark, and has brought all of it twice."""
    assert audit.parameters.syncs is not None
    there = [sum(time is not None and time < run["started_at"] - error for time in times) for run in brought[-2:]]
    has_brought_all = [run["fetched"] >= count > 0 for run, count in zip(brought[-2:], there, strict=True)]
    return "watermark" not in audit.parameters.syncs.columns and len(brought) > 1 and all(has_brought_all)


def _last_change(resource: Resource, record: dict[str, Any]) -> datetime | None:
    """Return when a record changed; one that never changes has the time of its creation alone."""
    return changed_at(resource, record) or changed_at(resource.model_copy(update={"updated": "created_at"}), record)


def _between(since: datetime | None, time: datetime, until: datetime) -> bool:
    return time < until and (since is None or time > since)
