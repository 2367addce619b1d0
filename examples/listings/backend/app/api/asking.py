"""What a request asks for: by whom, for which listing, with what in its body."""

import hmac
import json
import logging
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from app.api.responses import ApiError, broken
from app.core.config import get_settings

log = logging.getLogger(__name__)

MOST = 500  # rows a page
LARGEST = 2**63 - 1
CONDITIONS = ("new", "refurb", "used")
MARKETPLACES = ("amazon", "ebay", "other")
Body = dict[str, Any]


def endpoint(function: Callable[[Request, Body], Response]) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint for who has the token; it runs in a thread, with the object that the request's body is."""

    async def checked(request: Request) -> Response:
        given = request.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {get_settings().api_token}".encode()):
            raise ApiError(401, "the token is missing or wrong")
        body = _object(await request.body()) if request.method in ("POST", "PATCH") else {}
        try:
            return await run_in_threadpool(function, request, body)
        except (ApiError, HTTPException):
            raise
        except Exception as problem:  # the server would close the connection, and the next request on it be lost
            log.exception("%s %s", request.method, request.url.path)
            return await broken(request, problem)

    return checked


def _object(text: bytes) -> Body:
    try:
        body = json.loads(text, parse_float=Decimal)
    except ValueError:
        raise ApiError(422, "the body is no JSON") from None
    if not isinstance(body, dict):
        raise ApiError(422, "the body is no object")
    return body


def listing_id(request: Request) -> int:
    text = request.path_params["key"]
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:20]) <= LARGEST):
        raise ApiError(422, "the id in the path is no number of a listing")
    return int(text)


def job_id(request: Request) -> UUID:
    try:
        return UUID(request.path_params["key"])
    except ValueError:
        raise ApiError(422, "the id in the path is no UUID") from None


def page(request: Request) -> tuple[int, int]:
    """The number of the page that is asked for, from 1 on, and how many rows a page has."""
    return _number(request, "page", 1, 10**9), _number(request, "page_size", 50, MOST)


def _number(request: Request, name: str, default: int, most: int) -> int:
    text = request.query_params.get(name, str(default))
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:20]) <= most):
        raise ApiError(422, f"{name} is a number from 1 to {most}")
    return int(text)


def words(body: Body, name: str, needed: bool = False) -> str | None:
    value = body.get(name)
    if value is None and not needed:
        return None
    if not isinstance(value, str) or not value.strip() or not value.isprintable() or len(value) > 1000:
        raise ApiError(422, f"{name} is a text of at most 1000 characters")
    return value.strip()


def one_of(body: Body, name: str, values: tuple[str, ...], needed: bool = False) -> str | None:
    value = body.get(name)
    if value is None and not needed:
        return None
    if value not in values:
        raise ApiError(422, f"{name} is one of {', '.join(values)}")
    return value


def whole(body: Body, name: str) -> int | None:
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value < 2**31:
        raise ApiError(422, f"{name} is a whole number from 1 on")
    return value


def price(body: Body, needed: bool = False, least: Decimal = Decimal("0.01")) -> Decimal | None:
    value = body.get("price")
    if value is None and not needed:
        return None
    is_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    if not is_number or not least <= value < 10**8 or round(Decimal(value), 2) != value:
        raise ApiError(422, "price is a number of dollars above 0, with two decimals at most")
    return Decimal(value)
