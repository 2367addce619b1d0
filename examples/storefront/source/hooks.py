"""Webhook subscriptions as apps see them: list, count, create, show, move and delete; and what was sent to them."""

import json
from datetime import datetime
from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .admin import BASE, Call, route
from .catalogue import API_VERSION, SCOPES_OF_TOPIC
from .outbox import Subscription, Taken
from .provider import Provider
from .query import Cursor, Refused, read_cursor, read_instant, read_limit

TAKEN = "this topic is already sent to that address"


def _body(subscription: Subscription) -> dict[str, Any]:
    return {
        "id": subscription.id,
        "address": subscription.address,
        "topic": subscription.topic,
        "format": "json",
        "fields": [],
        "api_version": API_VERSION,
        "created_at": subscription.created,
        "updated_at": subscription.created,
    }


def _wanted(call: Call) -> list[Subscription]:
    equal = {name: value for name, value in call.request.query_params.items() if name in ("topic", "address")}
    return call.provider.dispatcher.subscriptions.all(call.shop.domain, **equal)


async def list_webhooks(call: Call) -> Response:
    return JSONResponse({"webhooks": [_body(subscription) for subscription in _wanted(call)]})


async def count_webhooks(call: Call) -> Response:
    return JSONResponse({"count": len(_wanted(call))})


async def show_webhook(call: Call) -> Response:
    found = call.provider.dispatcher.subscriptions.all(call.shop.domain, id=call.request.path_params["id"])
    if not found:
        raise Refused(404, "Not Found")
    return JSONResponse({"webhook": _body(found[0])})


async def create_webhook(call: Call) -> Response:
    asked = await _asked(call)
    created = datetime.now(call.shop.zone).isoformat(timespec="seconds")
    subscription = Subscription(call.provider.next_id(call.shop, "webhook"), asked["topic"], asked["address"], created)
    try:
        call.provider.dispatcher.subscriptions.add(call.shop.domain, subscription)
    except Taken:
        raise Refused(422, {"address": [TAKEN]}) from None
    return JSONResponse({"webhook": _body(subscription)}, 201)


async def _asked(call: Call, **known: str) -> dict[str, str]:
    try:
        asked = known | json.loads(await call.request.body())["webhook"]
        topic, address = str(asked["topic"]), str(asked["address"])
    except (ValueError, KeyError, TypeError):
        raise Refused(400, {"webhook": "expected an object with topic and address"}) from None
    scopes = SCOPES_OF_TOPIC.get(topic)
    if scopes is None or not set(scopes) <= set(call.scopes):
        raise Refused(422, {"topic": [f"{topic} does not exist, or its scope is not granted"]})
    if call.provider.faults.covers("refused_topics", topic):
        raise Refused(422, {"topic": [f"{topic} is not available to this app"]})
    if not address.startswith(("http://", "https://")):
        raise Refused(422, {"address": ["must be an http or https address"]})
    if asked.get("format", "json") != "json":
        raise Refused(422, {"format": ["must be json"]})
    return {"topic": topic, "address": address}


async def move_webhook(call: Call) -> Response:
    key, subscriptions = call.request.path_params["id"], call.provider.dispatcher.subscriptions
    found = subscriptions.all(call.shop.domain, id=key)
    if not found:
        raise Refused(404, "Not Found")
    asked = await _asked(call, topic=found[0].topic)
    try:
        subscriptions.readdress(call.shop.domain, key, asked["address"])
    except Taken:
        raise Refused(422, {"address": [TAKEN]}) from None
    return await show_webhook(call)


async def delete_webhook(call: Call) -> Response:
    if not call.provider.dispatcher.subscriptions.remove(call.shop.domain, call.request.path_params["id"]):
        raise Refused(404, "Not Found")
    return JSONResponse({})


async def list_deliveries(call: Call) -> Response:
    """What was sent, the oldest first, with what became of it."""
    parameters = call.request.query_params
    cursor, limit = read_cursor(parameters), read_limit(parameters)
    since = read_instant("created_at_min", cursor.filters.get("created_at_min", "1970-01-01"))
    moment, state = f"{since:%Y-%m-%dT%H:%M:%S.%fZ}", cursor.filters.get("status", "")
    found = call.provider.dispatcher.log.sent(call.shop.domain, cursor.edge or 0, moment, state, limit + 1)
    page = found[:limit]
    answer = JSONResponse({"webhook_deliveries": [_delivery(entry) for entry in page]})
    if len(found) > limit:
        following = Cursor(cursor.filters, True, page[-1]["number"]).text()
        answer.headers["Link"] = f'<{call.address}?limit={limit}&page_info={following}>; rel="next"'
    return answer


def _delivery(entry: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": entry["number"],
        "webhook_id": entry["webhook_id"],
        "topic": entry["topic"],
        "object_id": entry["object_id"],
        "address": entry["address"],
        "created_at": entry["triggered_at"],
        "attempts": entry["attempts"],
        "response_status": entry["last_status"],
        "state": entry["outcome"],
    }


def webhook_routes(provider: Provider) -> list[Route]:
    one = f"{BASE}/webhooks/{{id:int}}.json"
    return [
        route(provider, f"{BASE}/webhooks.json", list_webhooks),
        route(provider, f"{BASE}/webhooks.json", create_webhook, method="POST"),
        route(provider, f"{BASE}/webhooks/count.json", count_webhooks),
        route(provider, f"{BASE}/webhook_deliveries.json", list_deliveries),
        route(provider, one, show_webhook),
        route(provider, one, move_webhook, method="PUT"),
        route(provider, one, delete_webhook, method="DELETE"),
    ]
