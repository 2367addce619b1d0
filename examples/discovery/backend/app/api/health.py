"""Is the app up, and what it stands on."""

import psycopg
from starlette.requests import Request
from starlette.responses import Response

from app.api.responses import error, single
from app.core.db import connect


def healthz(request: Request) -> Response:
    try:
        with connect() as connection:
            connection.execute("select 1")
    except psycopg.Error:
        return error(503, "the database cannot be reached", "unavailable")
    return single({"database": "ok"})
