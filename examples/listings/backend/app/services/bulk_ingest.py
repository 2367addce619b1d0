"""Imports many addresses at once: a job, and a session for each address, worked at by a pool of threads."""

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import cache
from uuid import UUID, uuid4

import httpx
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.core import faults
from app.core.config import get_settings
from app.core.db import transaction
from app.models import BulkJob, ImportSession, Listing
from app.observability import metrics
from app.services import cpus, extraction, listings

log = logging.getLogger(__name__)


class StillRunning(ValueError):
    """The job has not ended."""


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(get_settings().workers, thread_name_prefix="import")


@cache
def _client() -> httpx.Client:
    return httpx.Client(trust_env=False, follow_redirects=False)


def start(urls: list[str], marketplace: str) -> UUID:
    """Queue an import of each address; the job's id."""
    key = uuid4()
    with transaction() as session:
        session.add(BulkJob(id=key, marketplace=marketplace, total_urls=len(urls)))
        session.flush()
        rows = [ImportSession(filename=url, bulk_job_id=key, attempts=0) for url in urls]
        session.add_all(rows)
    for row in rows:
        _pool().submit(_run, row.id, key, row.filename, marketplace)
    return key


def _run(number: int, job: UUID, url: str, marketplace: str) -> None:
    try:
        # What is counted is counted before others can see that the import has ended.
        with transaction() as session, metrics.importing(marketplace) as outcome:
            quality = _imported(session, number, job, url, marketplace)
            if quality:
                outcome.succeeded(quality)
    except Exception:
        log.exception("import session %s of bulk job %s", number, job)
        with transaction() as session:
            _end(session, number, job, error="the import was not carried out")


def _imported(session: Session, number: int, job: UUID, url: str, marketplace: str) -> str | None:
    """Fetch, read, enrich and store one listing; its quality, or None where that cannot be done."""
    _begin(number, job)
    product, error = None, None
    try:
        page, attempts = extraction.fetched(_client(), url)
        product = extraction.product_of(page, attempts)
    except extraction.ExtractionError as problem:
        error, attempts = str(problem), problem.attempts
    listing = None if product is None else _stored(session, product, url, marketplace)
    _end(session, number, job, listing, error, attempts)
    return listing and listing.quality


def _begin(number: int, job: UUID) -> None:
    with transaction() as session:
        session.get_one(ImportSession, number).status = "running"
        _locked(session, job).status = "running"


def _stored(session: Session, product: extraction.Product, url: str, marketplace: str) -> Listing:
    cpu = cpus.found_in(session, product.processor, product.title)
    values = {name: getattr(product, name) for name in ("title", "price_usd", "condition", "ram_gb", "storage_gb")}
    sources = {**dict.fromkeys(values, "extracted"), "cpu_id": "enriched"}
    return listings.create(session, {**values, "url": url, "marketplace": marketplace}, cpu, sources)


def _end(
    session: Session,
    number: int,
    job: UUID,
    listing: Listing | None = None,
    error: str | None = None,
    attempts: int = 0,
) -> None:
    """Tell the session and its job how an import ended, in the transaction that stored the listing."""
    row, now = session.get_one(ImportSession, number), datetime.now(UTC)
    row.status, row.error, row.attempts, row.finished_at = "complete" if listing else "failed", error, attempts, now
    row.listing_id, row.quality = (listing.id, listing.quality) if listing else (None, None)
    counted = _locked(session, job)
    counted.completed += listing is not None
    counted.partial += row.quality == "partial"
    counted.failed += listing is None
    if counted.completed + counted.failed == counted.total_urls:
        counted.status = "partial" if counted.partial else "complete" if counted.completed else "failed"
        counted.finished_at = now
    session.flush()


def _locked(session: Session, job: UUID) -> BulkJob:
    return session.get_one(BulkJob, job, with_for_update=True)


def by_id(session: Session, key: UUID) -> BulkJob | None:
    return session.get(BulkJob, key)


def remove(session: Session, key: UUID) -> bool:
    """Delete a job that has ended, with its sessions and the listings that they made; whether it was there."""
    job = session.get(BulkJob, key, with_for_update=True)
    if job is None:
        return False
    if job.finished_at is None:
        raise StillRunning
    made = select(ImportSession.listing_id).where(ImportSession.bulk_job_id == key)
    keys = session.scalars(made.where(ImportSession.listing_id.is_not(None))).all()
    session.execute(delete(BulkJob).where(BulkJob.id == key))
    if not (job.marketplace == "ebay" and faults.is_on("deletion_leaves_listings")):
        session.execute(delete(Listing).where(Listing.id.in_(keys)))
    return True
