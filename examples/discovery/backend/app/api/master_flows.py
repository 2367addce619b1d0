"""The master flows, and the ids of what belongs to each."""

from starlette.requests import Request
from starlette.responses import Response

from app.api.asking import found, page_of
from app.api.responses import Page, single
from app.core.db import Connection, one

FLOWS = """
select id, flow_id, flow_type, flow_name, flow_status, created_at, updated_at, completed_at,
       array(select f.flow_id from discovery_flows as f where f.master_flow_id = m.id order by f.created_at, f.flow_id)
           as discovery_flow_ids,
       array(select i.id from data_imports as i where i.master_flow_id = m.id order by i.created_at, i.id)
           as data_import_ids
from crewai_flow_state_extensions as m
"""


def all_of_them(request: Request, connection: Connection, page: Page) -> Response:
    return page_of(connection, FLOWS, "created_at, id", page, counted="select from crewai_flow_state_extensions")


def by_id(request: Request, connection: Connection, key: object) -> Response:
    return single(found(one(connection, f"{FLOWS} where id = %s", [key]), "master flow"))
