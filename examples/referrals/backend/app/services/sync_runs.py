"""The history of the syncs: one row for each, and the log line that ends it."""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import psycopg

from app.core import faults
from app.core.config import get_settings
from app.core.logging import Log

log = Log("app.services.sync_runs")

RESOURCE = "referral"
SOURCE = "partner_center_sync"
EVENTS = {"success": "sync_completed", "failed": "sync_failed", "skipped": "sync_skipped"}

_START = """
insert into partner_center_sync_runs (resource, task_id, trigger, status, feature_flag_state, started_at)
values (%s, %s, %s, 'running', %s, %s) returning id
"""
_END = """
update partner_center_sync_runs
set status = %s, ended_at = %s, fetched = %s, pages = %s, new_count = %s, updated_count = %s, skipped_count = %s,
    failed_count = %s, error = %s
where id = %s
"""
_ABANDON = """
update partner_center_sync_runs
set status = 'abandoned', ended_at = %s, error = 'the process that ran it ended before it did'
where resource = %s and status = 'running'
"""


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class SyncRun:
    task_id: str
    trigger: str
    row: int = 0
    fetched: int = 0
    pages: int = 0
    new: int = 0
    updated: int = 0
    skipped: int = 0
    failed: int = 0
    _began: float = field(default_factory=time.monotonic)

    def start(self, connection: psycopg.Connection) -> None:
        """Note that it runs, in the connection's autocommit mode."""
        self._began = time.monotonic()
        settings = get_settings()
        values = (RESOURCE, self.task_id, self.trigger, settings.feature_flag_state, now())
        found = connection.execute(_START, values).fetchone()
        assert found is not None
        (self.row,) = found

    def end(self, connection: psycopg.Connection, status: str, error: str | None = None) -> None:
        """Note how it ended, in the history and in the log; of one that was skipped the error is the reason."""
        counts = (self.fetched, self.pages, self.new, self.updated, self.skipped, self.failed)
        connection.execute(_END, (status, now(), *counts, error, self.row))
        self._tell(status, {} if error is None else {"reason" if status == "skipped" else "error": error})

    def _tell(self, status: str, more: dict[str, Any]) -> None:
        counts = {"new": self.new, "updated": self.updated, "skipped": self.skipped}
        facts = {
            "source": SOURCE,
            "task_id": self.task_id,
            "trigger": self.trigger,
            "duration": round(time.monotonic() - self._began, 3),
            "env": get_settings().environment,
            "feature_flag_state": get_settings().feature_flag_state,
            "fetched": self.fetched,
            **({} if faults.is_on("statistics_missing_from_log") else counts),
            "failed": self.failed,
            **more,
        }
        (log.error if status == "failed" else log.info)(EVENTS[status], **facts)


def abandon_unfinished(connection: psycopg.Connection) -> None:
    """Mark those that never ended; for who holds the lock of the syncs, and so knows that nobody runs."""
    connection.execute(_ABANDON, (now(), RESOURCE))
