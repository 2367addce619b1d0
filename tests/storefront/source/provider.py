"""The provider as a process that a test starts, and a subscriber that it delivers to."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

PROJECT = Path(__file__).resolve().parents[3]
ACME, BOREALIS = "acme.myshopify.example", "borealis.myshopify.example"
SHOPS = (ACME, BOREALIS)
SECRETS = {
    "STOREFRONT_TOKEN": "token-of-the-test",
    "STOREFRONT_WRITE_TOKEN": "write-token-of-the-test",
    "STOREFRONT_WEBHOOK_SECRET": "secret-of-the-test",
    "STOREFRONT_CONTROL_TOKEN": "control-of-the-test",
}
# path of the listing, key of its body
COLLECTIONS = {
    "orders": "orders",
    "customers": "customers",
    "products": "products",
    "inventory_items": "inventory_items",
    "inventory_levels": "inventory_levels",
    "locations": "locations",
    "refunds": "refunds",
    "transactions": "transactions",
    "fulfillments": "fulfillments",
    "draft_orders": "draft_orders",
    "gift_cards": "gift_cards",
    "shopify_payments/payouts": "payouts",
    "shopify_payments/balance/transactions": "transactions",
    "shopify_payments/disputes": "disputes",
}
_ACTIONS = {
    "orders": ("create", "updated", "delete", "cancelled", "paid", "fulfilled", "partially_fulfilled"),
    "customers": ("create", "update", "delete", "disable", "enable"),
    "products": ("create", "update", "delete"),
    "inventory_items": ("create", "update", "delete"),
    "inventory_levels": ("connect", "update", "disconnect"),
    "locations": ("create", "update", "delete"),
    "refunds": ("create",),
    "order_transactions": ("create",),
    "fulfillments": ("create", "update"),
    "draft_orders": ("create", "update", "delete"),
    "disputes": ("create", "update"),
    "app": ("uninstalled",),
}
TOPICS = [f"{resource}/{action}" for resource, actions in _ACTIONS.items() for action in actions]


class Source:
    """A started provider as its clients and its tools see it."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout
        self.process = process
        port = json.loads(process.stdout.readline())["port"]
        headers = {"X-Shopify-Access-Token": SECRETS["STOREFRONT_TOKEN"]}
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=30)

    def get(self, path: str, shop: str = ACME, **query: object) -> httpx.Response:
        return self.client.get(f"/{shop}/admin/api/2026-07/{path}.json", params=query)

    def pages(self, path: str, shop: str = ACME, **query: object) -> Iterator[list[dict[str, Any]]]:
        answer = self.get(path, shop, **query)
        while True:
            assert answer.status_code == 200, answer.text
            yield answer.json()[COLLECTIONS[path]]
            if "next" not in answer.links:
                return
            answer = self.client.get(answer.links["next"]["url"])

    def all(self, path: str, shop: str = ACME, **query: object) -> list[dict[str, Any]]:
        query = {"limit": 250, **({"status": "any"} if path == "orders" else {}), **query}
        return [item for page in self.pages(path, shop, **query) for item in page]

    def subscribe(self, topic: str, address: str, shop: str = ACME) -> httpx.Response:
        body = {"webhook": {"topic": topic, "address": address, "format": "json"}}
        return self.client.post(f"/{shop}/admin/api/2026-07/webhooks.json", json=body)

    def control(self, action: str, body: object = None) -> Any:
        headers = {"X-Control-Token": SECRETS["STOREFRONT_CONTROL_TOKEN"]}
        method = "GET" if body is None else "POST"
        answer = self.client.request(method, f"/_control/{action}", headers=headers, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def record(self, collection: str, action: str, shop: str = ACME, **more: object) -> Any:
        return self.control("record", {"shop": shop, "collection": collection, "action": action, **more})

    @contextmanager
    def fault(self, name: str, value: object) -> Iterator[None]:
        self.control("faults", {name: value})
        try:
            yield
        finally:
            self.control("faults", {name: None})

    def settle(self) -> None:
        while self.control("status")["pending_deliveries"]:
            time.sleep(0.02)


@contextmanager
def started(data: Path, *options: str) -> Iterator[Source]:
    command = [sys.executable, "-m", "examples.storefront.source", "--data", str(data), *options]
    with subprocess.Popen(command, cwd=PROJECT, env={**os.environ, **SECRETS}, stdout=subprocess.PIPE) as process:
        source = Source(process)
        try:
            with source.client:
                yield source
        finally:
            process.kill()  # nothing is lost by it, and an orderly end takes a moment


class Receiver:
    """A subscriber that keeps what it is sent, and answers as told."""

    def __init__(self) -> None:
        self.received: list[tuple[dict[str, str], bytes]] = []
        self.answer: Callable[[dict[str, str]], int] = lambda headers: 200
        self.address = ""

    def bodies(self, topic: str) -> list[Any]:
        return [json.loads(body) for headers, body in self.received if headers["x-shopify-topic"] == topic]

    def values(self, header: str) -> list[str]:
        return [headers[header] for headers, _ in self.received]


def whole_world(source: Source) -> dict[str, dict[str, list[dict[str, Any]]]]:
    return {shop: {path: source.all(path, shop) for path in COLLECTIONS} for shop in SHOPS}
