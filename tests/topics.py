"""Small programs that receive webhooks and tell their topics apart, and what is found of each topic in them."""

from __future__ import annotations

from dsaudit.codebase import handlers
from tests.programs import code_of

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
    "mapping made of keys": """
HANDLERS = dict.fromkeys(["orders/create", "orders/updated"], handle_order) | {"products/delete": handle_product}
async def receive(request):
    handler = HANDLERS.get(request.headers["X-Shopify-Topic"])
    if handler is not None:
        await handler(await request.json())
""",
    "several handlers each": """
HANDLERS = {"orders/create": [handle_order], "orders/updated": [handle_order, nothing]}
HANDLERS["products/delete"] = [handle_product]
async def receive(topic, payload):
    for handle in HANDLERS.get(topic, []):
        await handle(payload)
""",
    "tasks of a queue": """
from tasks import store_order, store_product
TASKS = {"orders/create": store_order, "orders/updated": store_order, "products/delete": store_product}
def receive(request):
    task = TASKS.get(request.headers["X-Shopify-Topic"])
    if task is None:
        return "", 204
    task.delay(request.json)
""",
    "signals": """
from django.dispatch import Signal
SIGNALS = {"orders/create": Signal(), "orders/updated": Signal(), "products/delete": Signal()}
def receive(topic, payload):
    if topic in SIGNALS:
        SIGNALS[topic].send(sender=None, payload=payload)
""",
    "classes in a mapping": """
class Order:
    def run(self, payload): ingest("order", payload)
class Nothing:
    def run(self, payload): pass
HANDLERS = {"orders/create": Order, "orders/updated": Order, "products/delete": Order, "customers/create": Nothing}
def receive(topic, payload):
    HANDLERS[topic]().run(payload)
""",
    "functions of a module by name": """
import hooks
def receive(topic, payload):
    handle = getattr(hooks, f"on_{topic.replace('/', '_')}", None)
    if handle is not None:
        handle(payload)
""",
    "addresses": """
from django.urls import path
urlpatterns = [
    path("hooks/orders/create/", handle_order),
    path("hooks/orders/updated", handle_order),
    path("hooks/products/delete", handle_product),
    path("hooks/customers/create", nothing),
]
""",
    "one store behind a filter": """
async def receive(topic, payload):
    if topic not in {"orders/create", "orders/updated", "products/delete"}:
        return 404
    await ingest(topic, payload)
""",
}
TABLE = {
    "hooks": "".join(
        f"def on_{name}(payload): ingest(payload)\n" for name in ("orders_create", "orders_updated", "products_delete")
    ),
    "app__table": 'from main import handle_order\nHANDLERS = {"orders/create": handle_order}\n',
}
