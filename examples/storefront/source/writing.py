"""What changes a shop over the API: customers made, changed and removed by whoever has the scope for it."""

import json
import random
from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .admin import BASE, Call, route
from .live.change import Body, Change, Found
from .live.records import Impossible, look_up, remove
from .live.traffic import perform
from .provider import Provider
from .query import Refused

SCOPE = ("write_customers",)
# What a request may set; of anything else it takes no notice.
_WRITABLE = ("email", "first_name", "last_name", "phone", "note", "tags", "tax_exempt", "verified_email")


async def create_customer(call: Call) -> Response:
    asked = await _asked(call)
    if not any(asked.get(name) for name in ("email", "first_name", "last_name", "phone")):
        raise Refused(422, {"customer": ["must have a name, phone number or email address"]})
    made: list[Body] = []
    _perform(call, lambda change: made.append(_create(change, asked)))
    return JSONResponse({"customer": made[0]}, 201)


def _create(change: Change, asked: Body) -> Body:
    body = {
        "id": change.maker.id("customer"),
        **dict.fromkeys(_WRITABLE[:5]),
        "state": "disabled",
        "tags": "",
        "verified_email": True,
        "tax_exempt": False,
        "currency": change.maker.shop.currency,
        "created_at": change.moment,
        "updated_at": change.moment,
        "addresses": [],
    }
    change.create("customers", body | asked)
    return body | asked


async def update_customer(call: Call) -> Response:
    asked = await _asked(call)
    found = _found(call)
    found.body.update(asked)
    # As the real one: two changes within a second have one and the same time.
    _perform(call, lambda change: change.update("customers", found.body))
    return JSONResponse({"customer": found.body})


async def delete_customer(call: Call) -> Response:
    call.demand(SCOPE)
    found = _found(call)
    try:
        _perform(call, lambda change: remove(change, "customers", found))
    except Impossible as error:
        raise Refused(422, {"base": [str(error)]}) from None
    return JSONResponse({})


async def _asked(call: Call) -> Body:
    call.demand(SCOPE)
    try:
        asked = json.loads(await call.request.body())["customer"]
        return {name: asked[name] for name in _WRITABLE if name in asked}
    except (ValueError, KeyError, TypeError):
        raise Refused(400, {"customer": "expected an object"}) from None


def _found(call: Call) -> Found:
    try:
        return look_up(call.provider.store, call.shop.domain, "customers", str(call.request.path_params["id"]))
    except Impossible:
        raise Refused(404, "Not Found") from None


def _perform(call: Call, action: Any) -> None:
    provider = call.provider
    perform(provider, call.shop.domain, random.Random(f"api {provider.dispatcher.number}"), action)


def writing_routes(provider: Provider) -> list[Route]:
    one = f"{BASE}/customers/{{id:int}}.json"
    return [
        route(provider, f"{BASE}/customers.json", create_customer, method="POST"),
        route(provider, one, update_customer, method="PUT"),
        route(provider, one, delete_customer, method="DELETE"),
    ]
