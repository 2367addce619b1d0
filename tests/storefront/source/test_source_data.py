"""The provider's side of the storefront sample, over real HTTP. What a new store holds."""

import json
import unicodedata
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.storefront.source.consistency import assert_consistent
from tests.storefront.source.provider import (
    ACME,
    SHOPS,
    Source,
    started,
    whole_world,
)


def _ids(value: object, found: list[int]) -> list[int]:
    if isinstance(value, dict):
        found += [value["id"]] if "id" in value else []
        for name, part in value.items():
            if name != "customer":
                _ids(part, found)
    elif isinstance(value, list):
        for part in value:
            _ids(part, found)
    return found


def test_ids_are_unique_over_shops_and_kinds_and_some_are_beyond_floating_point(still: Source) -> None:
    found: list[int] = []
    for collections in whole_world(still).values():
        for path, items in collections.items():
            # The lines of a fulfillment are the order's own.
            found += _ids([item | {"line_items": []} for item in items] if path == "fulfillments" else items, [])
    assert len(set(found)) == len(found)
    large = [key for key in found if key > 2**53]
    assert len({float(key) for key in large}) < len(large), "neighbours that become one as floating point"
    assert max(found) < 2**63


@pytest.mark.parametrize("size", ["100", "20"])
def test_same_seed_same_bytes(tmp_path: Path, size: str) -> None:
    contents = []
    for name, seed in (("one", "3"), ("two", "3"), ("three", "4")):
        with started(tmp_path / name, "--seed", seed, "--size", size):
            contents.append((tmp_path / name).read_bytes())
    assert contents[0] == contents[1] != contents[2]


def test_the_default_size(still: Source) -> None:
    world = whole_world(still)
    assert [len(world[shop]["orders"]) for shop in SHOPS] == [60, 40]
    assert [len(world[shop]["gift_cards"]) for shop in SHOPS] == [4, 0]
    assert [len(world[shop]["shopify_payments/payouts"]) for shop in SHOPS] == [5, 5]
    assert sum(len(world[shop]["draft_orders"]) for shop in SHOPS) == 6
    assert sum(len(world[shop]["shopify_payments/disputes"]) for shop in SHOPS) == 3


@pytest.mark.parametrize("seed", ["7", "8"])
def test_odd_data_is_always_there(tmp_path: Path, seed: str) -> None:
    with started(tmp_path / "source.sqlite", "--seed", seed) as source:
        world = whole_world(source)
    orders = world[ACME]["orders"]
    times = {order["created_at"] for order in orders}
    assert {"2025-11-02T01:30:00-04:00", "2025-11-02T01:30:00-05:00", "2024-02-29T23:59:59-05:00"} <= times
    assert {"2026-03-08T01:59:59-05:00", "2026-03-08T03:00:00-04:00"} <= times
    assert {"USD", "JPY", "KWD"} <= {order["currency"] for order in orders}
    assert any("." not in order["total_price"] for order in orders if order["currency"] == "JPY")
    assert all(len(order["total_price"].split(".")[1]) == 3 for order in orders if order["currency"] == "KWD")
    assert {"", None} <= {order["note"] for order in orders}
    assert max(len((order["note"] or "").encode()) for order in orders) >= 8000
    assert max(len(order["line_items"]) for order in orders) == 40
    for is_odd in (
        lambda order: order["test"],
        lambda order: order["cancelled_at"],
        lambda order: order["closed_at"],
        lambda order: Decimal(order["total_price"]) == 0,
        lambda order: order["customer"] is None,
        lambda order: order["presentment_currency"] != order["currency"],
    ):
        assert any(is_odd(order) for order in orders)
    text = json.dumps(world, ensure_ascii=False)
    assert text != unicodedata.normalize("NFC", text) != unicodedata.normalize("NFD", text)
    for part in ("Ψωμί", "日本", "🧵", "مصباح", "<b>", "=1+1", "{} {0}", "%(name)s", r"C:\\new"):
        assert part in text
    _assert_oddities_beside_orders(world[ACME])


def _assert_oddities_beside_orders(world: dict[str, list[dict[str, Any]]]) -> None:
    products = world["products"]
    assert {product["status"] for product in products} == {"active", "archived", "draft"}
    assert any(not product["images"] for product in products)
    assert any(customer["email"] is None for customer in world["customers"])
    movements = world["shopify_payments/balance/transactions"]
    assert any(Decimal(movement["amount"]) < 0 for movement in movements)


@pytest.mark.parametrize("size", ["20", "100", "1000"])
def test_what_is_generated_is_consistent(tmp_path: Path, size: str) -> None:
    with started(tmp_path / "source.sqlite", "--size", size, "--bucket", "9999") as source:
        for world in whole_world(source).values():
            assert_consistent(world)
