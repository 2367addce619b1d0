"""Is the app up, and what it stands on."""

import psycopg
from kombu.exceptions import OperationalError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.core import faults
from app.core.celery_app import celery_app
from app.core.config import get_settings
from app.core.db import connect


def livez(request: Request) -> Response:
    """Say that the process serves, whatever has become of what it stands on."""
    return JSONResponse({"status": "ok"})


def healthz(request: Request) -> Response:
    settings = get_settings()
    parts = {"database": _database(), "broker": "not reached" if faults.is_on("health_degraded") else _broker()}
    is_well = all(state == "ok" for state in parts.values())
    body = {
        "status": "ok" if is_well else "degraded",
        "env": settings.environment,
        "feature_flag_state": settings.feature_flag_state,
        **parts,
    }
    return JSONResponse(body, 200 if is_well else 503)


def _database() -> str:
    try:
        with connect() as connection:
            connection.execute("select 1")
    except psycopg.Error:
        return "not reached"
    return "ok"


def _broker() -> str:
    try:
        with celery_app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, interval_start=0.1, timeout=2)
    except OperationalError:
        return "not reached"
    return "ok"
