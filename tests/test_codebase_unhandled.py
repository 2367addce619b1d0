"""Topics that the code does not handle, or of which that cannot be told."""

from __future__ import annotations

import pytest

from tests.topics import HANDLED, TOPICS, states

NOT_HANDLED = {
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


BY_CLASS = """
class Handler:
    topics = ()
    def handle(self, payload):
        raise NotImplementedError
class Order(Handler):
    topics = ("orders/create", "orders/updated")
    def handle(self, payload):
        ingest("order", payload)
class Product(Handler):
    topics = ["products/delete"]
    def handle(self, payload):
        \"\"\"To come.\"\"\"
class Registration:
    topics = ("orders/create", "orders/updated", "products/delete", "customers/create")
    def register(self, client):
        client.post("/webhooks.json", json=self.topics)
def receive(topic, payload):
    for handler in (Order(), Product()):
        if topic in handler.topics:
            handler.handle(payload)
"""


def test_a_class_that_names_its_topics_as_its_siblings_do_is_their_handler() -> None:
    assert states(BY_CLASS, [*TOPICS, "customers/create"]) == ["found", "found", "absent", "unresolved"]


RESTS = {
    "else": """
async def receive(topic, payload):
    if topic == "customers/create":
        await handle_order(payload)
    else:
        await REST
""",
    "case": """
async def receive(topic, payload):
    match topic:
        case "customers/create":
            await handle_order(payload)
        case other:
            await REST
""",
    "default": """
HANDLERS = {"customers/create": handle_order}
async def rest(payload):
    await REST
async def receive(topic, payload):
    await HANDLERS.get(topic, rest)(payload)
""",
    "or": """
HANDLERS = {"customers/create": handle_order}
async def rest(payload):
    await REST
async def receive(topic, payload):
    handler = HANDLERS.get(topic) or rest
    await handler(payload)
""",
}


@pytest.mark.parametrize("way", RESTS)
@pytest.mark.parametrize(
    ("does", "state"),
    [
        ("store_raw(payload)", "found"),
        ("queue.put(payload)", "unresolved"),
        ("save_unhandled(session, topic, payload)", "unresolved"),
        ("dead_letters.insert(payload)", "unresolved"),
        ("logger.ainfo(topic)", "absent"),
    ],
)
def test_what_has_no_handler_of_its_own_is_followed_to_where_it_goes(way: str, does: str, state: str) -> None:
    assert states(RESTS[way].replace("REST", does), [*TOPICS, "customers/create"]) == [*[state] * 3, "found"]


NOT_TOLD_APART = {
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
    "dead code": """
async def receive(topic, payload):
    return 200
    if topic == "orders/create":
        await handle_order(payload)
    await {"orders/updated": handle_order, "products/delete": handle_product}[topic](payload)
""",
}


@pytest.mark.parametrize("way", NOT_TOLD_APART)
def test_where_no_function_tells_topics_apart_nobody_is_accused(way: str) -> None:
    assert states(NOT_TOLD_APART[way], [*TOPICS, "customers/create"])[:3] == ["unresolved"] * 3


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
    "rows of a table": """
ROUTES = [("orders/create", handle_order), ("orders/updated", handle_order)]
async def receive(topic, payload):
    for name, handle in ROUTES:
        if name == topic:
            await handle(payload)
""",
    "modules by name": """
import importlib
def receive(topic, payload):
    importlib.import_module(f"hooks.{topic.split('/')[0]}").handle(payload)
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


def test_a_handler_that_puts_aside_what_comes_is_none_whatever_it_calls() -> None:
    text = RESTS["default"].replace("REST", "store_raw(payload)").replace("rest", "dead_letter")
    assert states(text, [*TOPICS, "customers/create"]) == [*["unresolved"] * 3, "found"]
