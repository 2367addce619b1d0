"""Brings the table of referrals up to date with what Partner Center has."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import psycopg

from app.core import faults
from app.core.config import get_settings
from app.core.db import connect
from app.core.logging import Log
from app.services.domains import NoDomain, normalised
from app.services.partner_center_client import PartnerCenterClient, PartnerCenterError
from app.services.referral_table import known_ids, write
from app.services.sync_runs import SOURCE, SyncRun, abandon_unfinished

log = Log("app.services.referral_ingestion")

LOCK = "partner center referrals"
DISABLED = "Partner Center is not enabled (HUNTER_PARTNER_CENTER_ENABLED)"


class Invalid(ValueError):
    """A record that lacks what every referral has, or has it in no form that we know."""


def sync_referrals(task_id: str, trigger: str) -> None:
    """Read all referrals and store what is new or changed; one at a time. Raises PartnerCenterError."""
    run = SyncRun(task_id, trigger)
    with connect(autocommit=True) as history:
        if not get_settings().partner_center_enabled and not faults.is_on("task_ignores_flag"):
            run.start(history)
            run.end(history, "skipped", DISABLED)
            return
        with _alone(history, run):
            run.start(history)
            log.info("sync_started", source=SOURCE, task_id=task_id, trigger=trigger)
            try:
                _ingest(run)
            except PartnerCenterError as error:
                _failed(history, run, error)
            except Exception as error:
                run.end(history, "failed", f"{type(error).__name__}: {error}")
                raise
            else:
                run.end(history, "success")


@contextmanager
def _alone(history: psycopg.Connection, run: SyncRun) -> Iterator[None]:
    """Wait until no other sync runs; the lock goes with the connection, however this process ends."""
    if faults.is_on("concurrent_syncs_insert_twice"):
        yield
        return
    try:
        history.execute("set lock_timeout = '60s'")
        history.execute("select pg_advisory_lock(hashtextextended(%s, 0))", (LOCK,))
    except psycopg.errors.LockNotAvailable:
        run.start(history)
        run.end(history, "failed", "another sync has held the lock for 60 s")
        raise
    if not faults.is_on("killed_run_left_running"):
        abandon_unfinished(history)
    yield


def _failed(history: psycopg.Connection, run: SyncRun, error: PartnerCenterError) -> None:
    if faults.is_on("exception_crashes_worker"):
        faults.end_worker()
    if faults.is_on("api_errors_swallowed"):
        run.end(history, "success")
        return
    run.end(history, "failed", str(error))
    raise error


def _ingest(run: SyncRun) -> None:
    """Store page by page, each with its own commit: what was read before a failure stays."""
    with connect() as connection, PartnerCenterClient() as client:
        known = known_ids(connection) if faults.is_on("concurrent_syncs_insert_twice") else None
        for records in client.pages():
            run.pages += 1
            run.fetched += len(records)
            rows = [row for record in records if (row := _row_of(record, run)) is not None]
            written = write(connection, rows, known)
            connection.commit()
            unchanged = 0 if faults.is_on("everything_counted_new") else written.unchanged
            run.new += written.new + written.unchanged - unchanged
            run.updated += written.updated
            run.skipped += unchanged


def _row_of(record: dict[str, Any], run: SyncRun) -> dict[str, Any] | None:
    try:
        return _columns(record)
    except (Invalid, NoDomain) as error:
        if faults.is_on("bad_record_ends_sync"):
            raise
        run.failed += 1
        log.warning("record_failed", task_id=run.task_id, referral_id=record.get("id"), error=str(error))
        return None


def _columns(record: dict[str, Any]) -> dict[str, Any]:
    for name in ("id", "type", "status"):
        if not isinstance(record.get(name), str):
            raise Invalid(f"{name} is {record.get(name)!r}")
    customer, details = record.get("customerProfile") or {}, record.get("details") or {}
    website = customer.get("website")
    return {
        "referral_id": record["id"],
        "referral_type": record["type"],
        "company_name": customer.get("name"),
        "domain": website if faults.is_on("domain_not_normalised") else normalised(website),
        "status": record["status"],
        "deal_value": details.get("dealValue"),
        "currency": details.get("currency"),
        "source_created_at": _instant(record.get("createdDateTime")),
        "source_updated_at": _instant(record.get("updatedDateTime")),
    }


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
