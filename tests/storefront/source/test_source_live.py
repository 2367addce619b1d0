"""The provider's side of the storefront sample, over real HTTP. Changes while the provider runs."""

import json
import signal
import sqlite3
from collections import Counter, defaultdict
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from tests.storefront.source.consistency import assert_consistent
from tests.storefront.source.provider import (
    ACME,
    SECRETS,
    SHOPS,
    TOPICS,
    Receiver,
    Source,
    started,
    whole_world,
)


def test_single_changes_keep_totals_and_take_children_along(source: Source, receiver: Receiver) -> None:
    for topic in ("orders/create", "orders/delete"):
        source.subscribe(topic, receiver.address)
    order = source.record("transactions", "create")
    key = order["record"]["order_id"]
    line = source.get(f"orders/{key}").json()["order"]["line_items"][0]
    source.record("orders", "update", id=key, values={"line_items": [line | {"quantity": 9}]})
    changed = source.get(f"orders/{key}").json()["order"]
    assert Decimal(changed["subtotal_price"]) == 9 * Decimal(line["price"]) - Decimal(changed["total_discounts"])
    source.record("orders", "delete", id=key)
    source.settle()
    assert source.get(f"orders/{key}").status_code == 404
    assert key not in {item["order_id"] for item in source.all("transactions")}
    assert receiver.bodies("orders/delete")[0] == {"id": key}
    assert key not in {item["id"] for item in source.all("orders")}


def test_inventory_levels_are_named_by_item_and_location(source: Source, receiver: Receiver) -> None:
    source.subscribe("inventory_levels/update", receiver.address)
    level = source.all("inventory_levels")[0]
    name = f"{level['inventory_item_id']}:{level['location_id']}"
    made = source.record("inventory_levels", "update", id=name, values={"available": 77})
    source.settle()
    assert made["id"] == name
    assert receiver.bodies("inventory_levels/update")[0] == level | {
        "available": 77,
        "updated_at": made["record"]["updated_at"],
    }
    assert set(level) == {"inventory_item_id", "location_id", "available", "updated_at"}


def test_what_others_need_can_not_be_deleted(still: Source) -> None:
    headers = {"X-Control-Token": SECRETS["STOREFRONT_CONTROL_TOKEN"]}
    buyer = next(order["customer"]["id"] for order in still.all("orders") if order["customer"])
    product = still.all("orders")[0]["line_items"][0]["product_id"]
    for collection, key in (("customers", buyer), ("products", product), ("customers", 1)):
        asked = {"shop": ACME, "collection": collection, "action": "delete", "id": key}
        assert still.client.post("/_control/record", headers=headers, json=asked).status_code == 409


def test_live_traffic(source: Source, receiver: Receiver) -> None:
    for shop in SHOPS:
        for topic in TOPICS:
            source.subscribe(topic, receiver.address, shop)
    source.control("change", {"count": 480, "seed": 5})
    source.settle()
    topics = Counter(entry["topic"] for entry in source.control("deliveries")["deliveries"])
    resources: Counter[str] = Counter()
    for topic, count in topics.items():
        resources[topic.split("/")[0]] += count
    assert len(resources) == 11
    assert min(resources.values()) >= 20
    deletions = sum(count for topic, count in topics.items() if topic.endswith(("/delete", "/disconnect")))
    assert 0 < deletions < sum(topics.values()) / 8
    assert len(receiver.received) > len(set(receiver.values("x-shopify-webhook-id"))), "some are sent twice"
    for world in whole_world(source).values():
        assert_consistent(world)
    _assert_told_in_full(source, receiver)


def _assert_told_in_full(source: Source, receiver: Receiver) -> None:
    """Whoever keeps the newest version it was sent holds what the listing shows, and no two versions have one time."""
    versions: dict[tuple[str, str], dict[str, bytes]] = defaultdict(dict)
    gone = set()
    for headers, body in receiver.received:
        resource, action = headers["x-shopify-topic"].split("/")
        item = json.loads(body)
        name = (resource, str(item.get("id") or (item["inventory_item_id"], item["location_id"])))
        if action in ("delete", "disconnect"):
            gone.add(name)
        elif "updated_at" in item:
            assert versions[name].setdefault(item["updated_at"], body) == body
    for shop in SHOPS:
        for path in ("orders", "customers", "products", "inventory_items", "inventory_levels", "draft_orders"):
            for item in source.all(path, shop):
                name = (path, str(item.get("id") or (item["inventory_item_id"], item["location_id"])))
                assert name not in gone
                if name in versions:
                    newest = max(versions[name], key=datetime.fromisoformat)
                    assert json.loads(versions[name][newest]) == item


def test_a_copy_serves_the_same_and_its_webhooks_can_be_moved(
    source: Source, receiver: Receiver, tmp_path: Path
) -> None:
    source.subscribe("customers/update", "http://127.0.0.1:9/hooks")
    source.control("copy", {"path": str(tmp_path / "copy.sqlite")})
    with started(tmp_path / "copy.sqlite") as copy:
        assert whole_world(copy) == whole_world(source)
        base = receiver.address.removesuffix("/hooks")
        assert copy.control("webhooks/move", {"from": "http://127.0.0.1:9", "to": base}) == {"moved": 1}
        copy.record("customers", "update")
        copy.settle()
        assert len(receiver.received) == 1


def test_deliveries_are_numbered_on_after_a_restart(source: Source, receiver: Receiver, tmp_path: Path) -> None:
    source.subscribe("customers/create", receiver.address)
    source.record("customers", "create")
    source.settle()
    source.control("copy", {"path": str(tmp_path / "copy.sqlite")})
    with started(tmp_path / "copy.sqlite") as copy:
        copy.record("customers", "create")
        copy.settle()
    assert len(set(receiver.values("x-shopify-webhook-id"))) == 2
    with sqlite3.connect(tmp_path / "copy.sqlite") as connection:
        assert connection.execute("select count(*) from record where collection = 'customers'").fetchone() == (42,)
    connection.close()


@pytest.mark.parametrize("way", ["terminate", "shutdown"])
def test_it_ends_when_told_to(tmp_path: Path, way: str) -> None:
    with started(tmp_path / "source.sqlite") as source:
        if way == "terminate":
            source.process.terminate()
        else:
            source.control("shutdown", {})
        # uvicorn ends by the signal it was sent, once it has closed
        assert source.process.wait() in (0, -signal.SIGTERM)
