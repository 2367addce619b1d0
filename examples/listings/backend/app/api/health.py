"""Is the app up, what it stands on, and what Prometheus is told."""

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import Response

from app.api.responses import answer, error
from app.core import faults
from app.core.db import transaction
from app.observability import metrics
from app.services import listings


def healthz(request: Request) -> Response:
    try:
        with transaction() as session:
            session.execute(text("select 1"))
    except SQLAlchemyError:
        return error(503, "the database cannot be reached")
    return answer({"database": "ok"})


def scraped(request: Request) -> Response:
    """All metrics; what waits is counted now, so that a restart or another process does not make it wrong."""
    with transaction() as session:
        metrics.record_pending(listings.pending(session))
    told = generate_latest()
    if faults.is_on("metric_not_exposed"):
        told = b"".join(line for line in told.splitlines(keepends=True) if b"partial_completion_duration" not in line)
    return Response(told, media_type=CONTENT_TYPE_LATEST)
