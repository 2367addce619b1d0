"""The discovery flows, and how many assets each has found."""

from starlette.requests import Request
from starlette.responses import Response

from app.api.asking import found, page_of
from app.api.responses import Page, single
from app.core import faults
from app.core.db import Connection, one

ASSETS = "(select count(*) from assets as a where a.discovery_flow_id = f.flow_id)"
RECORDS = "coalesce((select i.processed_records from data_imports as i where i.id = f.data_import_id), 0)"


def _flows(counted: str) -> str:
    return f"""
        select flow_id, master_flow_id, data_import_id, flow_name, status, progress_percentage,
               {counted} as asset_count, created_at, updated_at, completed_at
        from discovery_flows as f"""


def all_of_them(request: Request, connection: Connection, page: Page) -> Response:
    query = _flows(RECORDS if faults.is_on("endpoints_disagree") else ASSETS)
    return page_of(connection, query, "created_at, flow_id", page, counted="select from discovery_flows")


def by_id(request: Request, connection: Connection, key: object) -> Response:
    return single(found(one(connection, f"{_flows(ASSETS)} where flow_id = %s", [key]), "discovery flow"))
