"""What the backend's tests share: a running sample, its API read in full, hand-made deliveries, queries."""

import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import httpx
import psycopg
import pytest

from examples import storefront
from examples.storefront.sample import Sample

ACME, BOREALIS = "acme.myshopify.example", "borealis.myshopify.example"
TENANTS = {ACME: "5f0c2b1e-8a54-4c1b-9d3e-0a1b2c3d4e5f", BOREALIS: "7d9e4f60-1b2a-4f3c-8e5d-6f7a8b9c0d1e"}
WEBHOOKS = "/api/v1/integrations/shopify/webhooks"
Body = dict[str, Any]

_numbers = count(9_100_000_000_000_001)


@pytest.fixture(scope="session")
def sample() -> Iterator[Sample]:
    with storefront.running(size=60, seed=11, live=False, cloneable=False) as running:
        yield running


def new_id() -> int:
    """An id that no object of the shops has."""
    return next(_numbers)


def instant(seconds: int = 0) -> str:
    """A time of change, as many seconds after a fixed one."""
    return (datetime(2026, 11, 1, 0, 30, tzinfo=UTC) + timedelta(seconds=seconds)).isoformat()


def objects(sample: Sample, shop: str, path: str, **parameters: str) -> list[Body]:
    """Everything a collection holds at the source, read page by page."""
    url: str | None = f"{sample.source_url}/{shop}/admin/api/2026-07/{path}.json"
    asked: dict[str, str] | None = {"limit": "250", **({"status": "any"} if path == "orders" else {}), **parameters}
    found: list[Body] = []
    token = {"X-Shopify-Access-Token": sample.environment["STOREFRONT_TOKEN"]}
    with httpx.Client(headers=token, verify=False) as client:
        while url:
            answer = client.get(url, params=asked)
            answer.raise_for_status()
            found += next(iter(answer.json().values()))
            url, asked = answer.links.get("next", {}).get("url"), None
    return found


def rows(sample: Sample, query: str, *values: object) -> list[tuple[Any, ...]]:
    with psycopg.connect(sample.owner_url) as connection:
        return connection.execute(query, values).fetchall()


def records(sample: Sample, query: str, *values: object) -> list[Body]:
    with psycopg.connect(sample.owner_url, row_factory=psycopg.rows.dict_row) as connection:
        return connection.execute(query, values).fetchall()


def versions(sample: Sample, object_type: str, object_id: object) -> list[Body]:
    """The raw rows of an object, oldest first."""
    query = "select * from shopify_raw_ingest where object_type = %s and shopify_object_id = %s order by id"
    return records(sample, query, object_type, str(object_id))


def refined(sample: Sample, table: str, **equal: object) -> Body:
    """The one row of a refined table with these values."""
    where = " and ".join(f"{name} = %s" for name in equal)
    found = records(sample, f"select * from shopify_{table} where {where}", *equal.values())
    assert len(found) == 1, f"{len(found)} rows of shopify_{table} with {equal}"
    return found[0]


def deliver(sample: Sample, topic: str, payload: object, shop: str = ACME, **changed: str | None) -> httpx.Response:
    """Send a webhook as the provider would; headers can be changed, or left out with None."""
    body = payload if isinstance(payload, bytes) else json.dumps(payload, ensure_ascii=False).encode()
    secret = sample.environment["STOREFRONT_WEBHOOK_SECRET"].encode()
    headers = {
        "X-Shopify-Topic": topic,
        "X-Shopify-Shop-Domain": shop,
        "X-Shopify-Hmac-Sha256": base64.b64encode(hmac.new(secret, body, hashlib.sha256).digest()).decode(),
        "X-Shopify-Webhook-Id": str(uuid.uuid4()),
        "X-Shopify-Event-Id": str(uuid.uuid4()),
        "X-Shopify-Triggered-At": datetime.now(UTC).isoformat(),
    }
    named = {f"X-Shopify-{name.replace('_', '-')}": value for name, value in changed.items()}
    kept = {name: value for name, value in {**headers, **named}.items() if value is not None}
    # There is nothing to verify on loopback, and reading the certificates takes longer than the delivery.
    return httpx.post(sample.backend_url + WEBHOOKS, content=body, headers=kept, verify=False)


def delivered(sample: Sample, topic: str, payload: object, shop: str = ACME, **changed: str | None) -> None:
    """The same, accepted and refined."""
    answer = deliver(sample, topic, payload, shop, **changed)
    assert (answer.status_code, answer.json()["outcome"]) == (200, "accepted")
    sample.settle()


def outcomes(sample: Sample, delivery_id: str) -> list[str]:
    query = "select outcome from shopify_webhook_delivery where delivery_id = %s order by id"
    return [outcome for (outcome,) in rows(sample, query, delivery_id)]


def an_order(**values: object) -> Body:
    """A small order of its own, as the provider writes them."""
    order_id, line_id = new_id(), new_id()
    order = {
        "id": order_id,
        "name": f"#{order_id % 10_000}",
        "currency": "USD",
        "total_price": "12.50",
        "note": None,
        "test": False,
        "customer": None,
        "created_at": instant(),
        "updated_at": instant(),
        "line_items": [
            {
                "id": line_id,
                "title": "Lamp",
                "quantity": 1,
                "price": "12.50",
                "tax_lines": [{"title": "Tax", "price": "1.00", "rate": 0.08}],
            }
        ],
        "tax_lines": [{"title": "Tax", "price": "1.00", "rate": 0.08}],
        "discount_codes": [],
    }
    return order | values


def a_refund(order_id: int, line_id: int) -> Body:
    line = {"id": new_id(), "line_item_id": line_id, "quantity": 1, "subtotal": "12.50"}
    return {"id": new_id(), "order_id": order_id, "created_at": instant(9), "refund_line_items": [line]}


def fault(sample: Sample, **switches: object) -> "Switched":
    """Backend switches that are on within a block."""
    return Switched(sample, switches)


class Switched:
    def __init__(self, sample: Sample, switches: dict[str, object]) -> None:
        self.sample, self.switches = sample, switches

    def __enter__(self) -> None:
        self.sample.backend_control("faults", self.switches)

    def __exit__(self, *error: object) -> None:
        self.sample.backend_control("faults", dict.fromkeys(self.switches))
        self.sample.settle()
