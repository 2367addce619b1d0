"""The app: python -m uvicorn app.main:app --app-dir examples/listings/backend."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route

from app.api import health, ingest, listings
from app.api.responses import ApiError, broken, refused

V1 = "/api/v1"

app = Starlette(
    routes=[
        Route("/healthz", health.healthz),
        Route("/metrics", health.scraped),
        Route(f"{V1}/ingest/bulk", ingest.start, methods=["POST"]),
        Route(f"{V1}/ingest/bulk/{{key}}/status", ingest.status),
        Route(f"{V1}/ingest/bulk/{{key}}", ingest.remove, methods=["DELETE"]),
        Route(f"{V1}/listings", listings.all_of_them),
        Route(f"{V1}/listings", listings.create, methods=["POST"]),
        Route(f"{V1}/listings/{{key}}", listings.by_id),
        Route(f"{V1}/listings/{{key}}", listings.remove, methods=["DELETE"]),
        Route(f"{V1}/listings/{{key}}/complete", listings.complete, methods=["PATCH"]),
    ],
    exception_handlers={ApiError: refused, HTTPException: refused, Exception: broken},
)
