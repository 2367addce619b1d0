"""Start a sync of the referrals."""

from kombu.exceptions import OperationalError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.core import faults
from app.core.celery_app import celery_app
from app.core.config import get_settings
from app.core.logging import Log

log = Log("app.api.referrals")

TASK = "app.core.tasks.sync_partner_center_referrals_task"


def start_sync(request: Request) -> Response:
    """Queue a sync -> its task's id; 400 where Partner Center is not enabled, 503 where it cannot be queued."""
    if not get_settings().partner_center_enabled and not faults.is_on("api_ignores_flag"):
        return JSONResponse({"detail": "Partner Center is not enabled (HUNTER_PARTNER_CENTER_ENABLED)"}, 400)
    try:
        queued = celery_app.send_task(TASK, kwargs={"trigger": "api"}, retry=False)
    except OperationalError as error:
        log.error("sync_not_queued", error=type(error.__cause__ or error).__name__)
        return JSONResponse({"detail": "The broker cannot be reached; no sync was queued"}, 503)
    log.info("sync_queued", task_id=queued.id)
    named = {} if faults.is_on("task_id_withheld") else {"task_id": queued.id}
    return JSONResponse({**named, "status": "queued"})
