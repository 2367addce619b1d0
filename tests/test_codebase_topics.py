"""Topics that the code handles."""

from __future__ import annotations

import pytest

from dsaudit.codebase import handlers, list_literal
from tests.programs import code_of, sample_code

TOPICS = ["orders/create", "orders/updated", "products/delete"]

FUNCTIONS = """
async def handle_order(payload):
    await ingest("order", payload)

async def handle_product(payload):
    await ingest("product", payload)

async def nothing(payload):
    \"\"\"To come.\"\"\"
    logger.info("ignored")
"""


def states(text: str, topics: list[str] = TOPICS, **others: str) -> list[str]:
    found = handlers(code_of(FUNCTIONS + text, **others), topics)
    assert list(found) == topics
    return [found[topic].state for topic in topics]


HANDLED = {
    "mapping": """
HANDLERS = {"orders/create": handle_order, "orders/updated": handle_order, "products/delete": handle_product}
async def receive(request):
    topic = request.headers["X-Shopify-Topic"]
    handler = HANDLERS.get(topic)
    if handler is None:
        return 200
    await handler(await request.json())
""",
    "mapping built from parts": """
RESOURCES = {"orders": ("create", "updated"), "products": ("delete",)}
class Endpoint:
    handlers = {f"{resource}/{action}": handle_order for resource in RESOURCES for action in RESOURCES[resource]}
    async def receive(self, event, payload):
        await self.handlers[event](payload)
""",
    "mapping from another module, grown": """
from app.table import HANDLERS
HANDLERS.update({"orders/updated": handle_order})
HANDLERS["products/delete"] = lambda payload: ingest("product", payload)
async def receive(event, payload):
    await HANDLERS[event](payload)
""",
    "match": """
async def receive(topic, payload):
    match topic:
        case "orders/create" | "orders/updated":
            await handle_order(payload)
        case "products/delete":
            await handle_product(payload)
        case _:
            return
""",
    "match on its parts": """
async def receive(event, payload):
    topic = event["topic"]
    match topic.split("/"):
        case ["orders", action]:
            await handle_order(payload)
        case ["products", "delete"]:
            await handle_product(payload)
""",
    "if and elif": """
ORDERS = ("orders/create", "orders/updated")
async def receive(name, payload):
    if name in ORDERS:
        await handle_order(payload)
    elif name == "products/" + "delete":
        await handle_product(payload)
""",
    "prefixes": """
async def receive(topic, payload):
    if topic.startswith("orders/"):
        await handle_order(payload)
    resource, _, action = topic.partition("/")
    if resource == "products" and action == "delete":
        await handle_product(payload)
""",
    "resource in a mapping of types": """
TYPES = {"orders": "order", "products": "product"}
async def receive(request, session):
    topic = request.headers.get("x-shopify-topic")
    resource = topic.split("/")[0]
    object_type = TYPES.get(resource)
    await ingest(session, object_type, await request.json())
""",
    "decorators": """
@on("orders/create", "orders/updated")
async def changed(payload):
    await ingest("order", payload)
@app.post("/webhooks/products/delete")
async def gone(payload):
    await ingest("product", payload)
""",
    "registrations": """
registry.register("orders/create", handle_order)
registry.register(topic="orders/updated", handler=lambda payload: ingest("order", payload))
def set_up(registry):
    registry.add("products/delete", handle_product)
""",
    "methods by name": """
class Endpoint:
    async def receive(self, topic, payload):
        await getattr(self, "on_" + topic.replace("/", "_"))(payload)
    async def on_orders_create(self, payload):
        await ingest("order", payload)
    async def on_orders_updated(self, payload):
        await ingest("order", payload)
    async def on_products_delete(self, payload):
        await ingest("product", payload)
""",
    "enumeration": """
from enum import StrEnum
class Topic(StrEnum):
    CREATED = "orders/create"
    UPDATED = "orders/updated"
    DELETED = "products/delete"
HANDLERS = {Topic.CREATED: handle_order, Topic.UPDATED: handle_order, Topic.DELETED: handle_product}
async def receive(topic: str, payload):
    if topic not in HANDLERS:
        return
    await HANDLERS[topic](payload)
""",
}
TABLE = {"app__table": 'from main import handle_order\nHANDLERS = {"orders/create": handle_order}\n'}


@pytest.mark.parametrize("way", HANDLED)
def test_topics_are_found_in_each_way_of_handling_them(way: str) -> None:
    assert states(HANDLED[way], **TABLE) == ["found"] * 3
    assert states(HANDLED[way], ["customers/create", "app/uninstalled"], **TABLE) == ["absent"] * 2


def test_the_place_is_that_of_the_entry_case_or_decorator() -> None:
    found = handlers(code_of(FUNCTIONS + HANDLED["mapping from another module, grown"], **TABLE), TOPICS)
    first = len(FUNCTIONS.splitlines())
    assert [(one.file, one.line) for one in found.values()] == [
        ("app/table.py", 2),
        ("main.py", first + 3),
        ("main.py", first + 4),
    ]


NOT_HANDLED = {
    "words only": """
# @on("orders/create"): handle_order; HANDLERS = {"orders/updated": handle_order}
async def receive(payload):
    \"\"\"Handles orders/create, orders/updated and products/delete.\"\"\"
    text = '{"orders/create": handle_order, "products/delete": handle_product}'
    logger.info(text)
""",
    "wanted and registered only": """
topics = ["orders/create", "orders/updated", "products/delete"]
async def register(client):
    for topic in topics:
        if topic == "orders/create":
            await client.post("/webhooks.json", json={"topic": topic})
        await client.post("/webhooks.json", json={"topic": topic, "address": ADDRESS})
    return [topic for topic in topics if topic != "orders/updated"]
""",
    "a mapping that nothing looks up": """
HANDLERS = {"orders/create": handle_order, "orders/updated": handle_order, "products/delete": handle_product}
""",
    "looked up and only logged": """
NAMES = {"orders/create": "An order", "orders/updated": "An order", "products/delete": "A product"}
async def receive(topic, payload):
    logger.info(NAMES.get(topic))
""",
    "functions that do nothing": """
HANDLERS = {"orders/create": nothing, "orders/updated": lambda payload: None, "products/delete": None}
async def receive(topic, payload):
    await HANDLERS[topic](payload)
""",
    "branches that do nothing": """
async def receive(topic, payload):
    if topic == "orders/create":
        pass
    elif topic == "orders/updated":
        logger.info("an order")
    elif topic == "products/delete":
        return {"status": "ignored"}
    return 200
""",
    "cases that do nothing": """
async def receive(topic, payload):
    match topic:
        case "orders/create" | "orders/updated":
            return Response(status_code=200)
        case "products/delete":
            ...
        case "customers/create":
            await handle_order(payload)
""",
    "left out before the look-up": """
IGNORED = {"orders/create", "orders/updated", "products/delete"}
HANDLERS = {"orders/create": handle_order, "orders/updated": handle_order, "products/delete": handle_product}
async def receive(topic, payload):
    if topic in IGNORED:
        return 200
    await HANDLERS[topic](payload)
""",
    "a filter before a mapping of others": """
WANTED = ["orders/create", "orders/updated", "products/delete", "customers/create"]
HANDLERS = {"customers/create": handle_order}
async def receive(topic, payload):
    if topic not in WANTED:
        return 400
    handler = HANDLERS.get(topic)
    if handler is not None:
        await handler(payload)
""",
    "dead code": """
async def receive(topic, payload):
    return 200
    if topic == "orders/create":
        await handle_order(payload)
    await {"orders/updated": handle_order, "products/delete": handle_product}[topic](payload)
""",
}


@pytest.mark.parametrize("way", NOT_HANDLED)
def test_what_only_mentions_a_topic_does_not_handle_it(way: str) -> None:
    assert states(NOT_HANDLED[way], [*TOPICS, "customers/create"])[:3] == ["absent"] * 3


def test_one_condition_on_the_resource_elsewhere_is_no_handler_where_a_mapping_does_the_work() -> None:
    text = (
        HANDLED["mapping"]
        + """
def id_of(topic, payload):
    if topic.startswith("inventory_levels/"):
        return payload["inventory_item_id"]
    return payload["id"]
"""
    )
    assert states(text, [*TOPICS, "inventory_levels/update"]) == ["found", "found", "found", "absent"]


NOT_FOLLOWED = {
    "a mapping from elsewhere": """
from elsewhere import HANDLERS
async def receive(request):
    topic = request.headers["X-Shopify-Topic"]
    await HANDLERS[topic](await request.json())
""",
    "a mapping with computed keys": """
HANDLERS = {name: handle_order for name in load_names()}
async def receive(topic, payload):
    handler = HANDLERS[topic]
    await handler(payload)
""",
    "handed on without being told apart": """
async def receive(request, queue):
    topic = request.headers["X-Shopify-Topic"]
    await queue.put((topic, await request.body()))
""",
}


@pytest.mark.parametrize("way", NOT_FOLLOWED)
def test_a_dispatch_that_is_not_followed_is_unresolved(way: str) -> None:
    assert states(NOT_FOLLOWED[way]) == ["unresolved"] * 3


def test_a_file_that_does_not_parse_may_hold_the_handler() -> None:
    assert states("", endpoint="HANDLERS = {\n") == ["unresolved"] * 3


# --- the sample's own code


def test_the_sample_wants_thirty_four_topics_and_handles_each() -> None:
    code = sample_code()
    topics = list_literal(code, "topics")
    assert (len(set(topics.values)), topics.unresolved) == (34, ())
    found = handlers(code, [str(topic) for topic in topics.values])
    assert {one.state for one in found.values()} == {"found"}
    assert len({one.line for one in found.values()}) == 34


def test_a_handler_taken_away_from_the_sample_is_missed_and_no_other() -> None:
    entry = '    "inventory_levels/update": _version_of("inventory_level"),\n'
    code = sample_code(("/shopify_webhooks.py", entry, ""))
    found = handlers(code, [str(topic) for topic in list_literal(code, "topics").values])
    assert [topic for topic, one in found.items() if one.state != "found"] == ["inventory_levels/update"]
    assert found["inventory_levels/update"].state == "absent"
