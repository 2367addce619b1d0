"""What a request asks for: by whom, for whose rows, and which of them."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from app.api.responses import ApiError, Page, listed
from app.core.config import get_settings
from app.core.db import Connection, Tenant, one, transaction

MOST = 500  # rows a page
HEADERS = ("X-Client-Account-ID", "X-Engagement-ID")
Endpoint = Callable[[Request, Connection, Any], Response]


@dataclass(frozen=True)
class Table:
    """A table as the API serves it; `columns` may call the row `row`."""

    what: str
    name: str
    key: str
    order: str
    columns: str


def of_tenant(endpoint: Endpoint, read: Callable[[Request], Any] = lambda request: None) -> Callable[..., Response]:
    """An endpoint for who has the token, in a transaction that sees the rows of who the headers name.

    `read` takes from the request what the endpoint needs, before a connection is opened for it.
    """

    def checked(request: Request) -> Response:
        _check_token(request)
        tenant = _tenant(request)
        asked = read(request)
        with transaction(tenant) as connection:
            return endpoint(request, connection, asked)

    return checked


def _check_token(request: Request) -> None:
    given = request.headers.get("authorization", "")
    if not hmac.compare_digest(given.encode(), f"Bearer {get_settings().api_token}".encode()):
        raise ApiError(401, "the token is missing or wrong")


def _tenant(request: Request) -> Tenant:
    for name in HEADERS:
        if not request.headers.get(name):
            raise ApiError(400, f"the header {name} is missing")
    client, engagement = (_uuid(request.headers[name], name) for name in HEADERS)
    return Tenant(client, engagement)


def _uuid(text: str, name: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise ApiError(422, f"{name} is no UUID") from None


def key(request: Request) -> UUID:
    """The id in the path."""
    return _uuid(request.path_params["key"], "the id in the path")


def wanted(request: Request, name: str) -> UUID | None:
    """A parameter of the query that is an id, if it is there."""
    text = request.query_params.get(name)
    return None if text is None else _uuid(text, name)


def page(request: Request) -> Page:
    return Page(_number(request, "page", 1, 10**9), _number(request, "page_size", 50, MOST))


def _number(request: Request, name: str, default: int, most: int) -> int:
    text = request.query_params.get(name, str(default))
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:20]) <= most):
        raise ApiError(422, f"{name} is a number from 1 to {most}")
    return int(text)


def row_of(connection: Connection, table: Table, value: Any) -> dict[str, Any]:
    """The row of a key; what is another tenant's is answered as what does not exist."""
    query = f"select {table.columns} from {table.name} as row where {table.key} = %s"
    row = one(connection, query, [value])
    if row is None:
        raise ApiError(404, f"there is no such {table.what}")
    return row


def page_of(connection: Connection, table: Table, page: Page, values: dict[str, Any] | None = None) -> Response:
    """A page of the rows whose columns have these values; what counts others' rows counts for this page alone."""
    given = {**(values or {}), "size": page.size, "offset": page.offset}
    condition = " and ".join(f"{name} = %({name})s" for name in values or {}) or "true"
    total = one(connection, f"select count(*) as total from {table.name} where {condition}", given)
    assert total is not None
    query = f"""select {table.columns} from (
            select * from {table.name} where {condition} order by {table.order} limit %(size)s offset %(offset)s
        ) as row order by {table.order}"""
    return listed(connection.execute(query, given).fetchall(), total["total"], page)
