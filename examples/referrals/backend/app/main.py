"""The app: python -m uvicorn app.main:app --app-dir examples/referrals/backend."""

from starlette.applications import Starlette
from starlette.routing import Route

from app.api import health, referrals
from app.core.logging import set_up

set_up()

app = Starlette(
    routes=[
        Route("/livez", health.livez),
        Route("/healthz", health.healthz),
        Route("/api/referrals/sync", referrals.start_sync, methods=["POST"]),
    ],
)
