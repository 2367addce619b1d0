"""The assets: those of a discovery flow, of a master flow, or all."""

from dataclasses import replace
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from app.api.asking import Table, page_of, wanted
from app.api.asking import page as page_asked
from app.api.responses import Page
from app.core import faults
from app.core.db import Connection

FILTERS = ("discovery_flow_id", "master_flow_id")
ASSETS = Table(
    "asset",
    "assets",
    key="id",
    order="name",
    columns="""id, name, asset_type, hostname, host(ip_address) as ip_address, operating_system, environment, cpu_cores,
        memory_gb, status, master_flow_id, discovery_flow_id, raw_import_record_id""",
)

ROUNDED = replace(ASSETS, columns=ASSETS.columns.replace("memory_gb", "round(memory_gb) as memory_gb"))


def filters_and_page(request: Request) -> tuple[dict[str, UUID], Page]:
    asked = {name: wanted(request, name) for name in FILTERS}
    return {name: key for name, key in asked.items() if key is not None}, page_asked(request)


def all_of_them(request: Request, connection: Connection, asked: tuple[dict[str, UUID], Page]) -> Response:
    filters, page = asked
    table = ROUNDED if faults.is_on("memory_is_rounded") else ASSETS
    return page_of(connection, table, page, dict(filters))
