"""The API that apps use: scopes, collections and webhook subscriptions of one shop."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .catalogue import API_VERSION, COLLECTIONS, SHOPS, Collection, Shop
from .generator import DAY, TODAY
from .limiter import LeakyBucket
from .provider import Provider
from .query import Cursor, Query, Refused, read_cursor, read_filters, read_limit
from .store import Row

BASE = f"/{{shop}}/admin/api/{API_VERSION}"
# The sample's past ends on a fixed day, so that the hidden part of it does not depend on when it is run.
HIDDEN_BEFORE = TODAY - 60 * DAY


@dataclass(frozen=True)
class Call:
    """One request to one shop, let in."""

    provider: Provider
    shop: Shop
    request: Request
    name: str
    scopes: list[str]  # of its token

    @property
    def collection(self) -> Collection:
        return COLLECTIONS[self.name]

    @property
    def address(self) -> str:
        return f"http://{self.request.headers['host']}{self.request.url.path}"

    def demand(self, scopes: tuple[str, ...]) -> None:
        missing = [scope for scope in scopes if scope not in self.scopes]
        if missing:
            raise Refused(403, f"This action requires merchant approval for {', '.join(missing)} scope.")


Handler = Callable[[Call], Awaitable[Response]]


def route(provider: Provider, path: str, handler: Handler, name: str = "", method: str = "GET") -> Route:
    async def endpoint(request: Request) -> Response:
        shop = SHOPS.get(request.path_params["shop"])
        if shop is None:
            return JSONResponse({"errors": "Not Found"}, 404)
        bucket = provider.buckets[shop.domain]
        try:
            scopes = _let_in(request, provider, shop, bucket)
            answer = await handler(Call(provider, shop, request, name, scopes))
        except Refused as refused:
            answer = JSONResponse({"errors": refused.errors}, refused.status, refused.headers)
        answer.headers["X-Shopify-Shop-Api-Call-Limit"] = bucket.state
        answer.headers["X-Shopify-API-Version"] = API_VERSION
        return answer

    return Route(path, endpoint, methods=[method])


def _let_in(request: Request, provider: Provider, shop: Shop, bucket: LeakyBucket) -> list[str]:
    scopes = provider.scopes_of(request.headers.get("X-Shopify-Access-Token", ""))
    if scopes is None or provider.faults.covers("revoked_tokens", shop.domain):
        raise Refused(401, "The access token is missing or not valid for this shop")
    wait = bucket.pour()
    if wait:
        raise Refused(429, "Too many requests: wait before the next one", {"Retry-After": f"{wait:.3f}"})
    return scopes


async def show_scopes(call: Call) -> Response:
    return JSONResponse({"access_scopes": [{"handle": scope} for scope in call.scopes]})


async def show_shop(call: Call) -> Response:
    shop = call.shop
    body = {"id": shop.number + 1, "name": shop.name, "domain": shop.domain, "currency": shop.currency}
    return JSONResponse({"shop": {**body, "iana_timezone": shop.zone.key}})


def _readable(call: Call) -> Query:
    """The condition on what the granted scopes let a caller see."""
    call.demand(call.collection.scopes)
    query = Query()
    if call.name == "orders" and "read_all_orders" not in call.scopes:
        query.add("created >= ?", HIDDEN_BEFORE)
    return query


def _filtered(call: Call, cursor: Cursor) -> Query:
    query = _readable(call)
    query.join(read_filters(call.name, call.collection, cursor.filters))
    if "order" in call.request.path_params:
        query.add("parent = ?", call.request.path_params["order"])
    return query


async def show_list(call: Call) -> Response:
    parameters = call.request.query_params
    cursor, limit = read_cursor(parameters), read_limit(parameters)
    rows, more = _page(call, cursor, limit)
    most = call.provider.faults.get("capped_feeds", {}).get(call.name)
    if most is not None and "updated_at_min" in cursor.filters:
        rows, more = rows[:most], False
    bodies = ",".join(row.body for row in rows)
    answer = Response(f'{{"{call.collection.plural}":[{bodies}]}}', media_type="application/json; charset=utf-8")
    links = [
        f'<{call.address}?limit={limit}&page_info={neighbour.text()}>; rel="{relation}"'
        for relation, neighbour in _neighbours(call, cursor, rows, more, limit)
    ]
    if links:
        answer.headers["Link"] = ", ".join(links)
    return answer


def _page(call: Call, cursor: Cursor, limit: int) -> tuple[list[Row], bool]:
    """One page in ascending order of id, and whether there is more in the cursor's direction."""
    query = _filtered(call, cursor)
    if cursor.edge is not None:
        query.add("id > ?" if cursor.forward else "id < ?", cursor.edge)
    order = "order by id" if cursor.forward else "order by id desc"
    tail = f"{order} limit {limit + 1}"
    rows = call.provider.store.select(call.shop.domain, call.name, query.where, query.values, tail)
    page = rows[:limit]
    return page if cursor.forward else page[::-1], len(rows) > limit


def _neighbours(call: Call, cursor: Cursor, rows: list[Row], more: bool, limit: int) -> list[tuple[str, Cursor]]:
    neighbours = []
    if rows and (more if not cursor.forward else cursor.edge is not None):
        neighbours.append(("previous", Cursor(cursor.filters, False, rows[0].id)))
    if rows and (more or not cursor.forward):
        following = Cursor(cursor.filters, True, rows[-1].id)
        if cursor.edge is None and call.provider.faults.covers("missing_page", call.name):
            skipped, _ = _page(call, following, limit)
            following = Cursor(cursor.filters, True, skipped[-1].id)
        neighbours.append(("next", following))
    return neighbours


async def show_count(call: Call) -> Response:
    query = _filtered(call, read_cursor(call.request.query_params))
    count = call.provider.store.count(call.shop.domain, call.name, query.where, query.values)
    return JSONResponse({"count": count - call.provider.faults.get("short_count", {}).get(call.name, 0)})


async def show_one(call: Call) -> Response:
    query = _readable(call)
    query.add("id = ?", call.request.path_params["id"])
    rows = call.provider.store.select(call.shop.domain, call.name, query.where, query.values)
    if not rows or call.name == "inventory_levels":
        raise Refused(404, "Not Found")
    body = f'{{"{call.collection.singular}":{rows[0].body}}}'
    return Response(body, media_type="application/json; charset=utf-8")


def collection_routes(provider: Provider) -> list[Route]:
    routes = []
    for name, collection in COLLECTIONS.items():
        path = f"{BASE}/{collection.path}"
        routes += [
            route(provider, f"{path}.json", show_list, name),
            route(provider, f"{path}/count.json", show_count, name),
            route(provider, f"{path}/{{id:int}}.json", show_one, name),
        ]
    for name in ("refunds", "transactions", "fulfillments"):
        routes.append(route(provider, f"{BASE}/orders/{{order:int}}/{name}.json", show_list, name))
    return routes


def admin_routes(provider: Provider) -> list[Route]:
    return [
        route(provider, "/{shop}/admin/oauth/access_scopes.json", show_scopes),
        route(provider, f"{BASE}/shop.json", show_shop),
        *collection_routes(provider),
    ]
