"""The backend: python -m uvicorn app.main:app --app-dir examples/storefront/backend."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from starlette.applications import Starlette
from starlette.routing import Route

from app.api import control
from app.api.v1.endpoints import shopify_sync, shopify_webhooks
from app.core import faults
from app.core.db import get_engine
from app.core.log import set_up
from app.services.shopify.client import close_http
from app.services.shopify.webhook_intake import webhook_intake
from app.services.shopify.worker import refinement_worker

SHOPIFY = "/api/v1/integrations/shopify"


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    set_up()
    faults.load()
    tasks = [asyncio.create_task(refinement_worker.run()), asyncio.create_task(webhook_intake.run())]
    yield
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    await close_http()
    await get_engine().dispose()


app = Starlette(
    lifespan=lifespan,
    routes=[
        Route("/healthz", control.healthz),
        Route(f"{SHOPIFY}/webhooks", shopify_webhooks.receive_webhook, methods=["POST"]),
        Route(f"{SHOPIFY}/sync", shopify_sync.start_sync, methods=["POST"]),
        Route(f"{SHOPIFY}/register", shopify_sync.register, methods=["POST"]),
        Route("/_control/status", control.status),
        Route("/_control/faults", control.change_faults, methods=["POST"]),
        Route("/_control/disconnect", control.disconnect, methods=["POST"]),
        Route("/_control/shutdown", control.shutdown, methods=["POST"]),
    ],
)
