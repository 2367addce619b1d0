"""The master flows, and the ids of what belongs to each."""

from starlette.requests import Request
from starlette.responses import Response

from app.api.asking import Table, page_of, row_of
from app.api.responses import Page, single
from app.core.db import Connection

FLOWS = Table(
    "master flow",
    "crewai_flow_state_extensions",
    key="id",
    order="created_at, id",
    columns="""id, flow_id, flow_type, flow_name, flow_status, created_at, updated_at, completed_at,
        array(select flow_id from discovery_flows as f where f.master_flow_id = row.id order by f.created_at, flow_id)
            as discovery_flow_ids,
        array(select i.id from data_imports as i where i.master_flow_id = row.id order by i.created_at, i.id)
            as data_import_ids""",
)


def all_of_them(request: Request, connection: Connection, page: Page) -> Response:
    return page_of(connection, FLOWS, page)


def by_id(request: Request, connection: Connection, key: object) -> Response:
    return single(row_of(connection, FLOWS, key))
