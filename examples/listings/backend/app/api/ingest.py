"""Bulk imports: started, asked how far they are, and taken away again."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.api.asking import MARKETPLACES, Body, endpoint, job_id, one_of
from app.api.responses import ApiError, answer
from app.core.db import transaction
from app.models import BulkJob, ImportSession
from app.services import bulk_ingest

MOST_URLS = 100
COUNTS = ("marketplace", "status", "total_urls", "completed", "partial", "failed", "created_at", "finished_at")


@endpoint
def start(request: Request, body: Body) -> Response:
    urls = body.get("urls")
    marketplace = one_of(body, "marketplace", MARKETPLACES, needed=True)
    assert marketplace is not None
    if not isinstance(urls, list) or not 1 <= len(urls) <= MOST_URLS:
        raise ApiError(422, f"urls is a list of 1 to {MOST_URLS} addresses")
    if not all(isinstance(url, str) and _is_address(url) for url in urls) or len(set(urls)) < len(urls):
        raise ApiError(422, "each of urls is another address that begins with http:// or https://")
    key = bulk_ingest.start(urls, marketplace)
    return answer({"bulk_job_id": key, "status": "queued", "total_urls": len(urls)}, 202)


def _is_address(url: str) -> bool:
    return url.startswith(("http://", "https://")) and url.isprintable() and " " not in url and len(url) <= 2000


@endpoint
def status(request: Request, body: Body) -> Response:
    key = job_id(request)
    with transaction() as session:
        job = bulk_ingest.by_id(session, key)
        if job is None:
            raise ApiError(404, f"there is no bulk job {key}")
        return answer(_shown(job))


def _shown(job: BulkJob) -> dict[str, Any]:
    counts = {name: getattr(job, name) for name in COUNTS}
    return {"bulk_job_id": job.id, **counts, "per_row_status": [_row(one) for one in job.sessions]}


def _row(one: ImportSession) -> dict[str, Any]:
    told = {name: getattr(one, name) for name in ("status", "quality", "listing_id", "attempts", "error")}
    return {"url": one.filename, **told}


@endpoint
def remove(request: Request, body: Body) -> Response:
    key = job_id(request)
    with transaction() as session:
        try:
            was_there = bulk_ingest.remove(session, key)
        except bulk_ingest.StillRunning:
            raise ApiError(409, f"the bulk job {key} has not ended") from None
    if not was_there:
        raise ApiError(404, f"there is no bulk job {key}")
    return answer({"bulk_job_id": key, "deleted": True})
