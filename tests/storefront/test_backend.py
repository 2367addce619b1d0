"""The storefront's backend holds what its shops hold: every table, every field, after loading and live changes."""

import hashlib
import json
from collections.abc import Callable, Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from examples.storefront.sample import Sample
from tests.storefront.backend_kit import ACME, BOREALIS, TENANTS, Body, delivered, objects, records, rows, sample

pytestmark = pytest.mark.xdist_group("backend")  # one sample for all of them

__all__ = ["sample"]

Nested = Callable[[Body], Iterable[Body]]


def _whole(parent: Body) -> list[Body]:
    return [parent]


def _within(field: str, owner: str | None = None) -> Nested:
    """The objects of a list, with the id of what holds them."""
    return lambda parent: [({owner: parent["id"]} if owner else {}) | item for item in parent[field]]


def _placed(field: str, owner: str) -> Nested:
    return lambda parent: [{owner: parent["id"], "position": n} | item for n, item in enumerate(parent[field], 1)]


def _line_taxes(order: Body) -> list[Body]:
    return [tax for line in order["line_items"] for tax in _placed("tax_lines", "shopify_line_item_id")(line)]


def _addresses(order: Body) -> list[Body]:
    kinds = {"billing": order["billing_address"], "shipping": order["shipping_address"]}
    return [{"shopify_order_id": order["id"], "kind": kind} | body for kind, body in kinds.items() if body]


def _parcels(fulfillment: Body) -> list[Body]:
    return [{"shopify_fulfillment_id": fulfillment["id"]} | line for line in fulfillment["line_items"]]


PAYOUTS, DISPUTES = "shopify_payments/payouts", "shopify_payments/disputes"
BALANCE = "shopify_payments/balance/transactions"
# table: collection, what of it is a row, key columns, and columns whose field has another name
TABLES: dict[str, tuple[str, Nested, dict[str, str]]] = {
    "location": ("locations", _whole, {"shopify_location_id": "id"}),
    "inventory_item": ("inventory_items", _whole, {"shopify_inventory_item_id": "id"}),
    "inventory_level": (
        "inventory_levels",
        _whole,
        {"shopify_inventory_item_id": "inventory_item_id", "shopify_location_id": "location_id"},
    ),
    "customer": ("customers", _whole, {"shopify_customer_id": "id"}),
    "customer_address": ("customers", _within("addresses"), {"shopify_customer_address_id": "id"}),
    "product": ("products", _whole, {"shopify_product_id": "id"}),
    "product_option": ("products", _within("options"), {"shopify_product_option_id": "id"}),
    "product_image": ("products", _within("images"), {"shopify_product_image_id": "id"}),
    "variant": ("products", _within("variants"), {"shopify_variant_id": "id"}),
    "order": ("orders", _whole, {"shopify_order_id": "id"}),
    "line_item": ("orders", _within("line_items", "shopify_order_id"), {"shopify_line_item_id": "id"}),
    "line_item_tax": ("orders", _line_taxes, {"shopify_line_item_id": "shopify_line_item_id", "position": "position"}),
    "shipping_line": ("orders", _within("shipping_lines", "shopify_order_id"), {"shopify_shipping_line_id": "id"}),
    "order_discount": (
        "orders",
        _placed("discount_codes", "shopify_order_id"),
        {"shopify_order_id": "shopify_order_id", "position": "position"},
    ),
    "order_tax_line": (
        "orders",
        _placed("tax_lines", "shopify_order_id"),
        {"shopify_order_id": "shopify_order_id", "position": "position"},
    ),
    "order_address": ("orders", _addresses, {"shopify_order_id": "shopify_order_id", "kind": "kind"}),
    "refund": ("refunds", _whole, {"shopify_refund_id": "id"}),
    "refund_line_item": (
        "refunds",
        _within("refund_line_items", "shopify_refund_id"),
        {"shopify_refund_line_item_id": "id"},
    ),
    "transaction": ("transactions", _whole, {"shopify_transaction_id": "id"}),
    "fulfillment": ("fulfillments", _whole, {"shopify_fulfillment_id": "id"}),
    "fulfillment_line_item": (
        "fulfillments",
        _parcels,
        {"shopify_fulfillment_id": "shopify_fulfillment_id", "shopify_line_item_id": "id"},
    ),
    "draft_order": ("draft_orders", _whole, {"shopify_draft_order_id": "id"}),
    "draft_line_item": (
        "draft_orders",
        _within("line_items", "shopify_draft_order_id"),
        {"shopify_draft_line_item_id": "id"},
    ),
    "payout": (PAYOUTS, _whole, {"shopify_payout_id": "id"}),
    "balance_transaction": (BALANCE, _whole, {"shopify_balance_transaction_id": "id"}),
    "dispute": (DISPUTES, _whole, {"shopify_dispute_id": "id"}),
    "gift_card": ("gift_cards", _whole, {"shopify_gift_card_id": "id"}),
}
OWN = {"id", "integration_id", "raw_ingest_id", "created_at", "updated_at", "deleted_at"}


def _field(column: str, key: dict[str, str], source: Body) -> Any:
    """The source's value for a column, found without the backend's own tables of names."""
    if column in key:
        return source[key[column]]
    if column.startswith("source_") and column.endswith("ed_at"):
        return source.get(column.removeprefix("source_"))
    if column == "shopify_customer_id" and "customer" in source:
        return source["customer"]["id"] if source["customer"] else None
    bare = column.removeprefix("shopify_")
    return source[column] if column in source else source[bare]


def _typed(stored: object, told: Any) -> Any:
    if told is None or stored is None:
        return told
    if isinstance(stored, Decimal):
        return Decimal(str(told))
    if isinstance(stored, datetime):
        return datetime.fromisoformat(told)
    return date.fromisoformat(told) if isinstance(stored, date) else told


def _expected(sample: Sample, table: str) -> dict[tuple[Any, ...], Body]:
    path, nested, key = TABLES[table]
    return {
        (shop, *(item[name] for name in key.values())): item
        for shop in TENANTS
        for parent in objects(sample, shop, path)
        for item in nested(parent)
    }


def _living(sample: Sample, table: str) -> dict[tuple[Any, ...], Body]:
    shops = {tenant: shop for shop, tenant in TENANTS.items()}
    found = records(sample, f"select * from shopify_{table} where deleted_at is null")
    return {(shops[str(row["integration_id"])], *(row[name] for name in TABLES[table][2])): row for row in found}


@pytest.fixture(scope="module")
def lively(sample: Sample) -> Sample:
    sample.change(150, seed=3)
    sample.settle(timeout=60)
    return sample


def assert_mirrors(sample: Sample, table: str) -> None:
    expected, living = _expected(sample, table), _living(sample, table)
    assert living.keys() == expected.keys()
    key = TABLES[table][2]
    locals_ = {
        column
        for (column,) in rows(
            sample,
            "select column_name from information_schema.columns where table_name = %s and data_type = 'uuid'",
            f"shopify_{table}",
        )
    }
    for identity, row in living.items():
        stored = {column: value for column, value in row.items() if column not in OWN | locals_}
        told = {column: _typed(value, _field(column, key, expected[identity])) for column, value in stored.items()}
        assert stored == told, identity


def test_there_are_27_refined_tables(sample: Sample) -> None:
    found = rows(sample, "select tablename from pg_tables where starts_with(tablename, 'shopify_')")
    names = {name.removeprefix("shopify_") for (name,) in found}
    assert names == TABLES.keys() | {"raw_ingest", "webhook_delivery", "sync_run"}
    assert len(TABLES) == 27


@pytest.mark.parametrize("table", TABLES)
def test_a_table_holds_what_the_source_lists_field_by_field(lively: Sample, table: str) -> None:
    assert_mirrors(lively, table)


def test_nothing_is_left_unrefined(lively: Sample) -> None:
    counts = rows(lively, "select processing_status, count(*) from shopify_raw_ingest group by 1")
    assert dict(counts).keys() <= {"processed", "skipped"}


def test_stored_hash_is_the_hash_of_the_stored_payload(lively: Sample) -> None:
    for digest, payload in rows(lively, "select dedupe_hash_canonical, payload from shopify_raw_ingest"):
        text = json.dumps(payload, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert digest == hashlib.sha256(text.encode()).hexdigest()


def test_no_two_objects_share_a_hash(lively: Sample) -> None:
    query = """select dedupe_hash_canonical from shopify_raw_ingest
        group by 1 having count(distinct (integration_id, object_type, shopify_object_id)) > 1"""
    assert rows(lively, query) == []


CONSECUTIVE = """select object_type, shopify_object_id from (
        select *, lag(dedupe_hash_canonical) over (
            partition by integration_id, object_type, shopify_object_id order by id) as former
        from shopify_raw_ingest) as version
    where former = dedupe_hash_canonical"""


def test_no_version_is_stored_twice_in_a_row(lively: Sample) -> None:
    assert rows(lively, CONSECUTIVE) == []


def test_refined_rows_are_built_from_the_newest_version(lively: Sample) -> None:
    for table, (_, _, key) in TABLES.items():
        key_text = " || ':' || ".join(f"refined.{name}::text" for name in key)
        query = f"""select 1 from shopify_{table} as refined where raw_ingest_id <> (
            select max(id) from shopify_raw_ingest as raw where raw.integration_id = refined.integration_id
            and object_type = %s and shopify_object_id = {key_text} and processing_status <> 'skipped')"""
        assert rows(lively, query, table) == [], table


def test_a_second_sync_finds_nothing_new(lively: Sample) -> None:
    before = rows(lively, "select max(id) from shopify_raw_ingest")
    lively.sync()
    assert rows(lively, "select max(id) from shopify_raw_ingest") == before
    last = rows(lively, "select trigger, error from shopify_sync_run order by id desc limit 28")
    assert set(last) == {("sync", None)}


def test_every_sync_function_leaves_a_record_per_tenant(sample: Sample) -> None:
    query = """select object_type, count(distinct integration_id), bool_and(ended_at >= started_at),
        bool_and(error is null) from shopify_sync_run where trigger = 'initial_sync' group by 1"""
    found = {object_type: rest for object_type, *rest in rows(sample, query)}
    assert len(found) == 14
    assert all(rest == [2, True, True] for rest in found.values())


def test_the_integration_record_tells_scopes_and_registration(sample: Sample) -> None:
    for name, metadata in rows(sample, "select name, metadata_info from integration"):
        registration = metadata["webhook_registration"]
        assert len(metadata["scopes"]) == 13, name
        assert (registration["status"], registration["success_rate"]) == ("completed", 100.0)
        assert (registration["success_count"], registration["failures"]) == (34, [])
        assert {len(topic) for topic in registration["topics"]} == {3}


def test_registering_again_makes_nothing_twice(sample: Sample) -> None:
    before = objects(sample, ACME, "webhooks")
    again = sample.integration("register", {"shop": ACME})
    assert objects(sample, ACME, "webhooks") == before
    assert again["success_count"] == len(before) == 34


def test_the_app_s_removal_deactivates_the_integration_and_keeps_its_data(sample: Sample) -> None:
    before = rows(sample, "select count(*) from shopify_order")
    delivered(sample, "app/uninstalled", {"id": 1}, BOREALIS)
    with sample.owner() as connection:
        assert connection.execute("select name from integration where not is_active").fetchall() == [("borealis",)]
        connection.execute("update integration set is_active = true")
    assert rows(sample, "select count(*) from shopify_order") == before
