"""What must hold of a shop at any time."""

from collections import defaultdict
from decimal import Decimal
from typing import Any

World = dict[str, list[dict[str, Any]]]


def assert_consistent(world: World) -> None:
    """Totals follow from lines, every reference leads somewhere, and each order's state is what its payments say."""
    _assert_totals(world)
    _assert_references_of_orders(world)
    _assert_references_of_stock(world)
    _assert_references_of_payouts(world)
    _assert_payments(world)


def _keys(world: World, path: str) -> set[int]:
    return {item["id"] for item in world[path]}


def _assert_totals(world: World) -> None:
    for order in world["orders"] + world["draft_orders"]:
        gross = sum(Decimal(line["price"]) * line["quantity"] for line in order["line_items"])
        assert gross - Decimal(order["total_discounts"]) == Decimal(order["subtotal_price"])
        shipping = sum(Decimal(line["price"]) for line in order["shipping_lines"])
        tax = sum(Decimal(tax["price"]) for line in order["line_items"] for tax in line["tax_lines"])
        assert tax == Decimal(order["total_tax"])
        assert Decimal(order["subtotal_price"]) + shipping + tax == Decimal(order["total_price"])


def _assert_references_of_orders(world: World) -> None:
    orders, customers = _keys(world, "orders"), _keys(world, "customers")
    variants = {variant["id"]: product["id"] for product in world["products"] for variant in product["variants"]}
    for order in world["orders"] + world["draft_orders"]:
        assert order["customer"] is None or order["customer"]["id"] in customers
        assert all(variants[line["variant_id"]] == line["product_id"] for line in order["line_items"])
    for path in ("refunds", "transactions", "fulfillments", "shopify_payments/disputes"):
        assert {item["order_id"] for item in world[path]} <= orders
    assert {draft["order_id"] for draft in world["draft_orders"]} - {None} <= orders
    lines = {line["id"]: order["id"] for order in world["orders"] for line in order["line_items"]}
    for refund in world["refunds"]:
        assert all(lines[item["line_item_id"]] == refund["order_id"] for item in refund["refund_line_items"])
    shipped = [line["id"] for item in world["fulfillments"] for line in item["line_items"]]
    assert len(set(shipped)) == len(shipped)
    assert set(shipped) <= set(lines)


def _assert_references_of_stock(world: World) -> None:
    locations = _keys(world, "locations")
    stocked = {variant["inventory_item_id"] for product in world["products"] for variant in product["variants"]}
    assert stocked == _keys(world, "inventory_items")
    assert {level["inventory_item_id"] for level in world["inventory_levels"]} <= stocked
    assert {level["location_id"] for level in world["inventory_levels"]} <= locations
    assert {item["location_id"] for item in world["fulfillments"]} <= locations


def _assert_references_of_payouts(world: World) -> None:
    movements = world["shopify_payments/balance/transactions"]
    assert {movement["payout_id"] for movement in movements} <= _keys(world, "shopify_payments/payouts")
    assert {movement["source_order_id"] for movement in movements} - {None} <= _keys(world, "orders")
    sources = {movement["source_order_transaction_id"] for movement in movements}
    assert sources - {None} <= _keys(world, "transactions")


def _assert_payments(world: World) -> None:
    signs = {"sale": 1, "capture": 1, "refund": -1}
    kept: dict[int, Decimal] = defaultdict(Decimal)
    for transaction in world["transactions"]:
        kept[transaction["order_id"]] += signs.get(transaction["kind"], 0) * Decimal(transaction["amount"])
    for order in world["orders"]:
        status, total, rest = order["financial_status"], Decimal(order["total_price"]), kept[order["id"]]
        expected = {"paid": rest == total, "partially_refunded": 0 < rest < total}
        assert expected.get(status, rest == 0), (status, total, rest)
