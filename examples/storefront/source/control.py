"""Endpoints that the sample's own tools use: live traffic, switches, the delivery log. No app ever calls them."""

import hmac
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .faults import UnknownFault
from .live.records import Impossible, change_record
from .live.traffic import make_changes
from .provider import Provider

Body = dict[str, Any]


class Control:
    def __init__(self, provider: Provider, stop: Callable[[], None]) -> None:
        self.provider = provider
        self.stop = stop

    async def status(self, request: Request) -> Body:
        return {
            "pending_deliveries": self.provider.dispatcher.pending,
            "deliveries": self.provider.dispatcher.number,
            "faults": self.provider.faults.values,
            "seed": self.provider.store.setting("seed"),
            "size": self.provider.store.setting("size"),
        }

    async def change(self, request: Request) -> Body:
        asked = json.loads(await request.body())
        return await make_changes(self.provider, int(asked["count"]), int(asked.get("seed", 0)))

    async def record(self, request: Request) -> Body:
        return await change_record(self.provider, json.loads(await request.body()))

    async def faults(self, request: Request) -> Body:
        self.provider.faults.set(json.loads(await request.body()))
        return {"faults": self.provider.faults.values}

    async def deliveries(self, request: Request) -> Body:
        columns = ("shop", "topic", "object_id", "event_id", "webhook_id", "outcome")
        equal = {name: value for name, value in request.query_params.items() if name in columns}
        return {"deliveries": self.provider.dispatcher.log.read(**equal)}

    async def move_webhooks(self, request: Request) -> Body:
        """For a copy of the sample, whose backend listens elsewhere."""
        asked = json.loads(await request.body())
        return {"moved": self.provider.dispatcher.subscriptions.move(asked["from"], asked["to"])}

    async def copy(self, request: Request) -> Body:
        path = Path(json.loads(await request.body())["path"])
        self.provider.store.copy_to(path)
        return {"path": str(path)}

    async def shutdown(self, request: Request) -> Body:
        self.stop()
        return {"stopping": True}


def control_routes(provider: Provider, stop: Callable[[], None]) -> list[Route]:
    control = Control(provider, stop)

    def entry(path: str, action: Callable[[Request], Awaitable[Body]], method: str = "POST") -> Route:
        async def endpoint(request: Request) -> Response:
            given = request.headers.get("X-Control-Token", "")
            if not hmac.compare_digest(given.encode(), provider.settings.control_token.encode()):
                return JSONResponse({"errors": "the control token is missing or wrong"}, 401)
            try:
                return JSONResponse(await action(request))
            except Impossible as error:
                return JSONResponse({"errors": str(error)}, 409)
            except (UnknownFault, ValueError, KeyError, TypeError) as error:
                return JSONResponse({"errors": f"{type(error).__name__}: {error}"}, 422)

        return Route(f"/_control/{path}", endpoint, methods=[method])

    return [
        entry("status", control.status, "GET"),
        entry("deliveries", control.deliveries, "GET"),
        entry("change", control.change),
        entry("record", control.record),
        entry("faults", control.faults),
        entry("webhooks/move", control.move_webhooks),
        entry("copy", control.copy),
        entry("shutdown", control.shutdown),
    ]
