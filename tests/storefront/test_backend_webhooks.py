"""What the backend does with a webhook: refuses, stores, orders, deletes, waits, and loses nothing."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from decimal import Decimal

import httpx
import pytest

from examples.storefront.sample import Sample
from tests.storefront.backend_kit import (
    ACME,
    BOREALIS,
    WEBHOOKS,
    a_refund,
    an_order,
    deliver,
    delivered,
    instant,
    new_id,
    outcomes,
    refined,
    rows,
    sample,
    versions,
)

pytestmark = pytest.mark.xdist_group("backend_webhooks")  # one sample for all of them

__all__ = ["sample"]


def test_a_delivery_is_stored_raw_with_where_it_came_from(sample: Sample) -> None:
    order, delivery = an_order(), str(uuid.uuid4())
    delivered(sample, "orders/create", order, Webhook_Id=delivery)
    (raw,) = versions(sample, "order", order["id"])
    assert (raw["source"], raw["topic"], raw["delivery_id"]) == ("webhook", "orders/create", delivery)
    assert (raw["payload"], raw["processing_status"]) == (order, "processed")
    assert raw["source_updated_at"] == datetime.fromisoformat(order["updated_at"])
    assert outcomes(sample, delivery) == ["accepted"]


@pytest.mark.parametrize("signature", ["", "bm90IHRoZSBzaWduYXR1cmU=", "not ascii: é", None])
def test_a_delivery_with_a_wrong_signature_is_refused_and_not_stored(sample: Sample, signature: str | None) -> None:
    order, delivery = an_order(), str(uuid.uuid4())
    raw_headers = {"X-Shopify-Topic": "orders/create", "X-Shopify-Shop-Domain": ACME, "X-Shopify-Webhook-Id": delivery}
    headers = [(name.encode(), value.encode()) for name, value in raw_headers.items()]
    if signature is not None:
        headers.append((b"X-Shopify-Hmac-Sha256", signature.encode()))
    answer = httpx.post(sample.backend_url + WEBHOOKS, json=order, headers=headers, verify=False)
    assert answer.status_code == 401
    assert versions(sample, "order", order["id"]) == []
    query = "select outcome, shopify_object_id from shopify_webhook_delivery where delivery_id = %s"
    assert rows(sample, query, delivery) == [("rejected_signature", str(order["id"]))]


def test_a_signature_of_another_body_is_refused(sample: Sample) -> None:
    order = an_order()
    signed = deliver(sample, "orders/create", order)
    signature = signed.request.headers["X-Shopify-Hmac-Sha256"]
    assert deliver(sample, "orders/create", {**order, "note": "forged"}, Hmac_Sha256=signature).status_code == 401


def test_a_repeated_delivery_is_answered_and_logged_but_stored_once(sample: Sample) -> None:
    order, delivery = an_order(), str(uuid.uuid4())
    answers = [deliver(sample, "orders/create", order, Webhook_Id=delivery) for _ in range(3)]
    assert [(one.status_code, one.json()["outcome"]) for one in answers] == [
        (200, "accepted"),
        (200, "duplicate"),
        (200, "duplicate"),
    ]
    assert len(versions(sample, "order", order["id"])) == 1
    assert outcomes(sample, delivery) == ["accepted", "duplicate", "duplicate"]


def test_one_event_under_two_topics_is_one_version(sample: Sample) -> None:
    order = an_order()
    delivered(sample, "orders/updated", order)
    delivered(sample, "orders/paid", order)
    assert len(versions(sample, "order", order["id"])) == 1


def test_an_older_version_that_arrives_late_is_kept_aside(sample: Sample) -> None:
    old, new = an_order(note="old"), {}
    new = {**old, "note": "new", "updated_at": instant(5), "line_items": []}
    delivered(sample, "orders/updated", new)
    delivered(sample, "orders/create", old)
    delivered(sample, "orders/create", old)
    stored = versions(sample, "order", old["id"])
    assert [one["processing_status"] for one in stored] == ["processed", "skipped"]
    assert refined(sample, "order", shopify_order_id=old["id"])["note"] == "new"
    assert versions(sample, "line_item", old["line_items"][0]["id"]) == []


def test_within_one_second_the_provider_s_clock_decides(sample: Sample) -> None:
    first = an_order(note="first")
    second = {**first, "note": "second"}
    delivered(sample, "orders/updated", second, Triggered_At="2026-11-20T10:00:00.700000Z")
    delivered(sample, "orders/updated", first, Triggered_At="2026-11-20T10:00:00.300000Z")
    assert refined(sample, "order", shopify_order_id=first["id"])["note"] == "second"


def test_a_value_that_changes_back_is_three_versions(sample: Sample) -> None:
    item = {"id": new_id(), "sku": "A", "cost": None, "created_at": instant()}
    for sku in ("A", "B", "A"):
        delivered(sample, "inventory_items/update", {**item, "sku": sku})
    assert [one["payload"]["sku"] for one in versions(sample, "inventory_item", item["id"])] == ["A", "B", "A"]
    assert refined(sample, "inventory_item", shopify_inventory_item_id=item["id"])["sku"] == "A"


def test_an_update_of_an_unknown_object_creates_it(sample: Sample) -> None:
    order = an_order()
    delivered(sample, "orders/updated", order)
    assert refined(sample, "order", shopify_order_id=order["id"])["total_price"] == Decimal("12.50")


def test_a_nested_object_that_vanishes_is_deleted_and_may_come_back(sample: Sample) -> None:
    order = an_order()
    line_id = order["line_items"][0]["id"]
    delivered(sample, "orders/create", order)
    delivered(sample, "orders/updated", {**order, "line_items": [], "updated_at": instant(1)})
    assert refined(sample, "line_item", shopify_line_item_id=line_id)["deleted_at"]
    assert refined(sample, "line_item_tax", shopify_line_item_id=line_id)["deleted_at"]
    delivered(sample, "orders/updated", {**order, "updated_at": instant(2)})
    assert refined(sample, "line_item", shopify_line_item_id=line_id)["deleted_at"] is None
    gone = {"object_type": "line_item", "id": line_id}
    history = [(one["is_deletion"], one["payload"]) for one in versions(sample, "line_item", line_id)]
    assert history == [(False, order["line_items"][0]), (True, gone), (False, order["line_items"][0])]


def test_a_refund_waits_for_its_order(sample: Sample) -> None:
    order = an_order()
    refund = a_refund(order["id"], order["line_items"][0]["id"])
    delivered(sample, "refunds/create", refund)
    (raw,) = versions(sample, "refund", refund["id"])
    assert (raw["processing_status"], raw["waits_for"]) == ("pending", f"order:{order['id']}")
    delivered(sample, "orders/create", order)
    row = refined(sample, "refund", shopify_refund_id=refund["id"])
    assert row["order_id"] == refined(sample, "order", shopify_order_id=order["id"])["id"]
    line = refined(sample, "refund_line_item", shopify_refund_id=refund["id"])
    local = refined(sample, "line_item", shopify_line_item_id=order["line_items"][0]["id"])
    assert (line["line_item_id"], line["subtotal"]) == (local["id"], Decimal("12.50"))
    (raw,) = versions(sample, "refund", refund["id"])
    assert (raw["processing_status"], raw["waits_for"], raw["error_message"]) == ("processed", None, None)


def test_a_link_is_filled_in_when_its_object_comes(sample: Sample) -> None:
    customer = {"id": new_id(), "email": "late@example.org", "addresses": [], "updated_at": instant()}
    order = an_order(customer={"id": customer["id"]})
    delivered(sample, "orders/create", order)
    assert refined(sample, "order", shopify_order_id=order["id"])["customer_id"] is None
    delivered(sample, "customers/create", customer)
    local = refined(sample, "customer", shopify_customer_id=customer["id"])
    assert refined(sample, "order", shopify_order_id=order["id"])["customer_id"] == local["id"]


def test_a_deleted_order_takes_along_what_belongs_to_it(sample: Sample) -> None:
    order = an_order()
    refund = a_refund(order["id"], order["line_items"][0]["id"])
    delivered(sample, "orders/create", order)
    delivered(sample, "refunds/create", refund)
    delivered(sample, "orders/delete", {"id": order["id"]})
    for table in ("order", "line_item", "order_tax_line", "refund"):
        assert refined(sample, table, shopify_order_id=order["id"])["deleted_at"], table
    assert refined(sample, "line_item_tax", shopify_line_item_id=order["line_items"][0]["id"])["deleted_at"]
    assert refined(sample, "refund_line_item", shopify_refund_id=refund["id"])["deleted_at"]


def test_what_comes_late_for_a_deleted_order_does_not_revive_it(sample: Sample) -> None:
    order = an_order()
    delivered(sample, "orders/create", order, Triggered_At="2026-11-20T09:00:00Z")
    delivered(sample, "orders/delete", {"id": order["id"]}, Triggered_At="2026-11-20T10:00:01Z")
    late = {**order, "note": "late", "updated_at": instant(3)}
    delivered(sample, "orders/updated", late, Triggered_At="2026-11-20T10:00:00Z")
    refund = a_refund(order["id"], order["line_items"][0]["id"])
    delivered(sample, "refunds/create", refund)
    assert refined(sample, "order", shopify_order_id=order["id"])["deleted_at"]
    assert [one["processing_status"] for one in versions(sample, "refund", refund["id"])] == ["skipped"]


def test_nothing_waits_for_an_order_that_was_deleted_unseen(sample: Sample) -> None:
    order = an_order()
    early, late = (a_refund(order["id"], order["line_items"][0]["id"]) for _ in range(2))
    delivered(sample, "refunds/create", early)
    delivered(sample, "orders/delete", {"id": order["id"]})
    delivered(sample, "refunds/create", late)
    for refund in (early, late):
        states = {one["processing_status"] for one in versions(sample, "refund", refund["id"])}
        assert states <= {"skipped", "processed"}, states


def test_a_level_disconnected_and_connected_again_lives(sample: Sample) -> None:
    item, place = {"id": new_id(), "sku": "x"}, {"id": new_id(), "name": "Shed"}
    level = {"inventory_item_id": item["id"], "location_id": place["id"], "available": 3, "updated_at": instant()}
    delivered(sample, "inventory_levels/connect", level)
    delivered(sample, "inventory_items/create", item)
    delivered(sample, "locations/create", place)
    delivered(
        sample, "inventory_levels/disconnect", {name: level[name] for name in ("inventory_item_id", "location_id")}
    )
    row = refined(sample, "inventory_level", shopify_inventory_item_id=item["id"])
    assert row["deleted_at"]
    delivered(sample, "inventory_levels/connect", level | {"available": 4, "updated_at": instant(9)})
    row = refined(sample, "inventory_level", shopify_inventory_item_id=item["id"])
    assert (row["deleted_at"], row["available"]) == (None, 4)
    delivered(sample, "locations/delete", {"id": place["id"]})
    assert refined(sample, "inventory_level", shopify_inventory_item_id=item["id"])["deleted_at"]


@pytest.mark.parametrize("bad", ["\x00", "\ud83d"])
def test_a_text_that_postgresql_cannot_hold_fails_alone_until_it_is_mended(sample: Sample, bad: str) -> None:
    order = an_order(note=f"half{bad}way")
    body = json.dumps(order).encode()
    delivered(sample, "orders/create", body)
    delivered(sample, "orders/updated", body)
    (raw,) = versions(sample, "order", order["id"])
    assert (raw["processing_status"], raw["payload"]["note"]) == ("error", "half\ufffdway")
    assert "U+0000" in raw["error_message"]
    line_id = order["line_items"][0]["id"]
    assert [one["waits_for"] for one in versions(sample, "line_item", line_id)] == [f"order:{order['id']}"]
    delivered(sample, "orders/updated", {**order, "note": "whole", "updated_at": instant(1)})
    assert refined(sample, "order", shopify_order_id=order["id"])["note"] == "whole"
    assert refined(sample, "line_item", shopify_line_item_id=line_id)["quantity"] == 1


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("total_price", "1e30", "numeric field overflow"),
        ("total_price", "free", "total_price"),
        ("order_number", 2**70, "bigint"),
        ("order_number", "12", "order_number is no whole number"),
        ("closed_at", "2026-11-01T01:30:00", "closed_at has no UTC offset"),
        ("updated_at", "yesterday", "updated_at Invalid isoformat"),
        ("updated_at", "2026-11-01T01:30:00", "updated_at has no UTC offset"),
        ("note", 5, "note is no text"),
        ("test", "true", "test is neither true nor false"),
    ],
)
def test_a_value_that_its_column_cannot_take_is_an_error_that_says_so(
    sample: Sample, field: str, value: object, message: str
) -> None:
    bad, good = an_order(**{field: value}), an_order()
    delivered(sample, "orders/create", bad)
    delivered(sample, "orders/create", good)
    (raw,) = versions(sample, "order", bad["id"])
    assert raw["processing_status"] == "error"
    assert message in raw["error_message"]
    assert refined(sample, "order", shopify_order_id=good["id"])


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-11-01T01:30:00-04:00", "2026-11-01T05:30:00+00:00"),
        ("2026-11-01T01:30:00-05:00", "2026-11-01T06:30:00+00:00"),
        ("2024-02-29T23:59:59+09:00", "2024-02-29T14:59:59+00:00"),
    ],
)
def test_an_instant_is_kept_exactly(sample: Sample, text: str, utc: str) -> None:
    order = an_order(processed_at=text)
    delivered(sample, "orders/create", order)
    assert refined(sample, "order", shopify_order_id=order["id"])["processed_at"] == datetime.fromisoformat(utc)


@pytest.mark.parametrize(
    ("changed", "body", "status", "error"),
    [
        ({"Topic": "orders/edited"}, {"id": 1}, 200, "no handler for this topic"),
        ({"Topic": None}, {"id": 1}, 200, "no handler for this topic"),
        ({"Shop_Domain": "other.myshopify.example"}, {"id": 1}, 404, "no integration for this shop"),
        ({}, b"{not json", 400, "the body is no JSON object"),
        ({}, b"[1, 2]", 400, "the body is no JSON object"),
        ({"Topic": "inventory_levels/update"}, {"id": 1}, 500, "KeyError: 'inventory_item_id'"),
    ],
)
def test_what_cannot_be_stored_is_logged_as_failed(
    sample: Sample, changed: dict[str, str | None], body: object, status: int, error: str
) -> None:
    delivery = str(uuid.uuid4())
    answer = deliver(sample, "orders/create", body, Webhook_Id=delivery, **changed)
    logged = rows(sample, "select outcome, error from shopify_webhook_delivery where delivery_id = %s", delivery)
    assert (answer.status_code, logged) == (status, [("failed", error)])


def test_many_at_once_are_all_stored_each_with_its_own_answer(sample: Sample) -> None:
    orders = [an_order(note=str(number)) for number in range(40)]

    def send(number: int) -> int:
        body = {"id": 1} if number % 10 == 5 else orders[number]
        topic = "inventory_levels/update" if number % 10 == 5 else "orders/create"
        return deliver(sample, topic, body, BOREALIS if number % 2 else ACME).status_code

    with ThreadPoolExecutor(12) as threads:
        answers = list(threads.map(send, range(40)))
    sample.settle()
    assert answers == [500 if number % 10 == 5 else 200 for number in range(40)]
    stored = [len(versions(sample, "order", order["id"])) for order in orders]
    assert stored == [0 if number % 10 == 5 else 1 for number in range(40)]
