"""How the changes of each resource come: by webhook, by the regular sync, or by both, and when they last did."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd

from dsaudit.database import QueryError, RelationMissing
from dsaudit.wording import span

if TYPE_CHECKING:
    from dsaudit.audit import Audit

ARRIVED = """
select resource, by_webhook, count(*) as records, max(received_at) as last from {raw} as r group by 1, 2
"""
# A sync that was run again by hand soon after another says little of the rhythm: the median does not mind.
RUNS = """
select resource, count(*) as runs, max(started_at) as last,
       extract(epoch from percentile_cont(0.5) within group (order by pause))::float8 as seconds
from (select resource, started_at,
             started_at - lag(started_at) over (partition by tenant, resource order by started_at) as pause
      from {syncs} as s where state <> 'skipped') as runs
group by resource
"""


@dataclass(frozen=True)
class Ways:
    """The ways of one resource, declared and seen; ``unknown`` says why what was seen is not known, or is empty."""

    resource: str
    topics: int
    sync: str  # the function, or empty
    every: str  # the usual time between two syncs, or empty
    by_webhook: int
    last_by_webhook: datetime | None
    by_sync: int
    last_by_sync: datetime | None
    unknown: str

    @property
    def words(self) -> str:
        """The ways by which it is meant to come, in words."""
        sync = f"sync every {self.every}" if self.every else "sync" if self.sync else ""
        return " and ".join(filter(None, ("webhook" if self.topics else "", sync)))


def ways(audit: Audit) -> list[Ways]:
    """Return the ways of every resource that does not come with its parent alone."""
    parameters = audit.parameters
    arrived: dict[tuple[str, bool], dict[str, Any]] = {}
    runs: dict[str, dict[str, Any]] = {}
    unknown = (
        "" if parameters.raw and "via" in parameters.raw.columns else "the file does not say what came by which way"
    )
    try:
        if not unknown:
            frame = audit.query(ARRIVED)
            arrived = {(one["resource"], bool(one["by_webhook"])): one for one in frame.to_dict("records")}  # type: ignore[misc]
        if parameters.syncs:
            runs = {str(one["resource"]): one for one in audit.query(RUNS).to_dict("records")}  # type: ignore[misc]
    except (RelationMissing, QueryError) as error:
        unknown = str(error)
    found = []
    for name, resource in parameters.resources.items():
        if resource.nested and not resource.webhooks:
            continue
        hooked, synced = (arrived.get((name, by_webhook), {}) for by_webhook in (True, False))
        seconds = runs.get(name, {}).get("seconds")
        found.append(
            Ways(
                name,
                len(resource.webhooks),
                resource.sync or "",
                span(timedelta(seconds=seconds).total_seconds()) if seconds and not pd.isna(seconds) else "",
                int(hooked.get("records", 0)),
                _instant(hooked.get("last")),
                int(synced.get("records", 0)),
                _instant(synced.get("last")),
                unknown,
            )
        )
    return found


def _instant(value: Any) -> datetime | None:
    return None if value is None or pd.isna(value) else pd.Timestamp(value).to_pydatetime().astimezone(UTC)
