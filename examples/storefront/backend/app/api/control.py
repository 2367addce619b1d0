"""For whoever runs the sample: is it up, is it idle, which faults are on, stop. Not part of the integration."""

import hmac
import os
import signal
from collections.abc import Awaitable, Callable

from sqlalchemy import text
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.api.v1.endpoints import shopify_sync
from app.core import faults
from app.core.config import get_settings
from app.core.db import async_session_factory, get_engine
from app.services.shopify.refinement_service import shopify_refinement_service
from app.services.shopify.worker import refinement_worker

Endpoint = Callable[[Request], Awaitable[Response]]


def guarded(endpoint: Endpoint) -> Endpoint:
    async def checked(request: Request) -> Response:
        given = request.headers.get("x-control-token", "")
        if not hmac.compare_digest(given.encode(), get_settings().control_token.encode()):
            return JSONResponse({"error": "X-Control-Token is missing or wrong"}, 401)
        return await endpoint(request)

    return checked


async def healthz(request: Request) -> Response:
    async with async_session_factory() as session:
        await session.execute(text("select 1"))
    return JSONResponse({"status": "ok"})


@guarded
async def status(request: Request) -> Response:
    """`pending` counts raw rows the worker has yet to refine, and syncs under way."""
    return JSONResponse({"pending": refinement_worker.pending + shopify_sync.running, "syncs": shopify_sync.running})


@guarded
async def change_faults(request: Request) -> Response:
    """{"name": value or null}; when one is cleared, whatever it had left unrefined is tried again."""
    values = await request.json()
    try:
        active = faults.change(values)
    except ValueError as error:
        return JSONResponse({"error": str(error)}, 422)
    if None in values.values():
        await shopify_refinement_service.refine_open()
    return JSONResponse({"faults": active})


@guarded
async def disconnect(request: Request) -> Response:
    """Close the idle database connections: PostgreSQL copies a database only while nobody is connected to it."""
    await get_engine().dispose()
    return JSONResponse({"status": "disconnected"})


@guarded
async def shutdown(request: Request) -> Response:
    return JSONResponse({"status": "stopping"}, background=BackgroundTask(os.kill, os.getpid(), signal.SIGTERM))
