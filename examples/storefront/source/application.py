"""The web application: the shops' API, and the control endpoints under a prefix of their own."""

from collections.abc import Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from .admin import admin_routes
from .control import control_routes
from .hooks import webhook_routes
from .provider import Provider
from .writing import writing_routes


async def _as_json(request: Request, error: Exception) -> Response:
    status, detail = (error.status_code, error.detail) if isinstance(error, HTTPException) else (500, "Internal error")
    return JSONResponse({"errors": detail}, status)


def build(provider: Provider, stop: Callable[[], None]) -> Starlette:
    shops = [*admin_routes(provider), *writing_routes(provider), *webhook_routes(provider)]
    routes = [*shops, *control_routes(provider, stop)]
    return Starlette(routes=routes, exception_handlers={HTTPException: _as_json})
