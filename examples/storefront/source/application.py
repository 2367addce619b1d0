"""The web application: the shops' API, and the control endpoints under a prefix of their own."""

import time
from collections.abc import Callable
from email.utils import formatdate

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .admin import admin_routes
from .control import control_routes
from .hooks import webhook_routes
from .provider import Provider
from .writing import writing_routes


async def _as_json(request: Request, error: Exception) -> Response:
    status, detail = (error.status_code, error.detail) if isinstance(error, HTTPException) else (500, "Internal error")
    return JSONResponse({"errors": detail}, status)


def _dated(application: Starlette, provider: Provider) -> ASGIApp:
    """Let every answer tell the time at which it is given, by the provider's clock."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        async def stamped(message: Message) -> None:
            if message["type"] == "http.response.start":
                now = time.time() + provider.faults.get("clock_ahead", 0)
                message["headers"] = [*message["headers"], (b"date", formatdate(now, usegmt=True).encode())]
            await send(message)

        await application(scope, receive, stamped)

    return answer


def build(provider: Provider, stop: Callable[[], None]) -> ASGIApp:
    shops = [*admin_routes(provider), *writing_routes(provider), *webhook_routes(provider)]
    routes = [*shops, *control_routes(provider, stop)]
    return _dated(Starlette(routes=routes, exception_handlers={HTTPException: _as_json}), provider)
