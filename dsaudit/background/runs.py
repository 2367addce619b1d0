"""The history of the runs, as the integration itself keeps it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from dsaudit.audit import Audit

DAYS, MOST = 7, 500  # of a history that are looked at: what is older says little of how it goes today
RUNS = """
select * from (
  select tenant, resource, task_id, trigger, state, word, started_at, ended_at, fetched, pages, added, updated, skipped,
         failed, flag, error
  from {syncs} as s
  where started_at >= %(since)s::timestamptz
  order by started_at desc, task_id desc limit %(most)s
) as latest
order by started_at, task_id
"""
COLUMNS = [
    *("tenant", "resource", "task_id", "trigger", "state", "word", "started_at", "ended_at", "fetched", "pages"),
    *("added", "updated", "skipped", "failed", "flag", "error"),
]


def runs(audit: Audit, since: datetime | None = None, now: bool = False, most: int = MOST) -> pd.DataFrame:
    """Return the latest runs, the oldest first: those of the last `DAYS` days, and no more than `most`.

    Columns: tenant, resource (as the file calls them), task_id, trigger, state (success, failed, skipped, running,
    other), word (what the history's own column says), started_at, ended_at (None where it has none), fetched, pages,
    added, updated, skipped, failed (records; None where it does not say), flag, error.

    Parameters
    ----------
    since
        Where runs are wanted from another time on.
    now
        Read them as they are now, and not at the run's instant.

    Raises
    ------
    QueryError, RelationMissing
        They cannot be read.
    """
    since = since or datetime.fromisoformat(audit.instant) - timedelta(days=DAYS)
    filled = audit.relations.fill(RUNS)
    database = audit.database.now() if now else audit.database
    values = {**audit.values(), **filled.values, "since": since, "most": most}
    frame = database.query(filled.sql, values, most=None).frame
    return frame.astype(object).where(frame.notna(), None).reindex(columns=COLUMNS)


def by_schedule(audit: Audit, frame: pd.DataFrame) -> pd.DataFrame:
    """Return of these runs those that the schedule began; all of them where the history does not tell."""
    syncs = audit.parameters.syncs
    if syncs is None or "trigger" not in syncs.columns:
        return frame
    return frame[frame["trigger"].isin(syncs.scheduled)]
