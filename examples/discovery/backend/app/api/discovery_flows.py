"""The discovery flows, and how many assets each has found."""

from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response

from app.api.asking import Table, page_of, row_of
from app.api.responses import Page, single
from app.core import faults
from app.core.db import Connection

COLUMNS = """flow_id, master_flow_id, data_import_id, flow_name, status, progress_percentage, created_at, updated_at,
    completed_at"""
ASSETS = "(select count(*) from assets as a where a.discovery_flow_id = row.flow_id) as asset_count"
RECORDS = (
    "coalesce((select processed_records from data_imports as i where i.id = row.data_import_id), 0) as asset_count"
)
LINKED = "(select * from discovery_flows where master_flow_id is not null) as linked"
FLOWS = Table(
    "discovery flow",
    "discovery_flows",
    key="flow_id",
    order="created_at, flow_id",
    columns=f"{COLUMNS}, {ASSETS}",
)


def all_of_them(request: Request, connection: Connection, page: Page) -> Response:
    if faults.is_on("endpoints_disagree"):
        return page_of(connection, replace(FLOWS, columns=f"{COLUMNS}, {RECORDS}"), page)
    if faults.is_on("list_leaves_out_unlinked"):
        return page_of(connection, replace(FLOWS, name=LINKED), page)
    return page_of(connection, FLOWS, page)


def by_id(request: Request, connection: Connection, key: object) -> Response:
    return single(row_of(connection, FLOWS, key))
