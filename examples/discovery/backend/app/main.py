"""The app: python -m uvicorn app.main:app --app-dir examples/discovery/backend."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route

from app.api import assets, data_imports, discovery_flows, health, master_flows
from app.api.asking import key, of_tenant, page
from app.api.responses import ApiError, broken, refused

V1 = "/api/v1"

app = Starlette(
    routes=[
        Route("/healthz", health.healthz),
        Route(f"{V1}/master-flows", of_tenant(master_flows.all_of_them, page)),
        Route(f"{V1}/master-flows/{{key}}", of_tenant(master_flows.by_id, key)),
        Route(f"{V1}/discovery-flows", of_tenant(discovery_flows.all_of_them, page)),
        Route(f"{V1}/discovery-flows/{{key}}", of_tenant(discovery_flows.by_id, key)),
        Route(f"{V1}/data-imports", of_tenant(data_imports.all_of_them, page)),
        Route(f"{V1}/data-imports", data_imports.create, methods=["POST"]),
        Route(f"{V1}/data-imports/{{key}}", of_tenant(data_imports.by_id, key)),
        Route(f"{V1}/data-imports/{{key}}", of_tenant(data_imports.remove, key), methods=["DELETE"]),
        Route(f"{V1}/data-imports/{{key}}/records", of_tenant(data_imports.records, data_imports.key_and_page)),
        Route(f"{V1}/assets", of_tenant(assets.all_of_them, assets.filters_and_page)),
    ],
    exception_handlers={ApiError: refused, HTTPException: refused, Exception: broken},
)
