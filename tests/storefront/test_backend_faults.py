"""Each switch of the backend spoils the code path it names, and nothing while it is off."""

import uuid
from datetime import datetime
from decimal import Decimal

import pytest

from examples.control import SampleError, call
from examples.editing import altered
from examples.storefront.sample import Sample
from tests.storefront.backend_kit import (
    ACME,
    BOREALIS,
    TENANTS,
    an_order,
    deliver,
    delivered,
    fault,
    instant,
    new_id,
    refined,
    rows,
    sample,
    versions,
)

pytestmark = pytest.mark.xdist_group("backend_faults")  # one sample for all of them

__all__ = ["sample"]


def test_an_unknown_switch_is_refused(sample: Sample) -> None:
    with pytest.raises(SampleError, match="no such fault: page_limits; there are: answer_before_storing"):
        sample.backend_control("faults", {"page_limits": 1})


def test_page_limit_stops_after_that_many_pages(sample: Sample) -> None:
    with fault(sample, page_limit=0):
        sample.sync(ACME, resources=["orders"])
    run = rows(sample, "select fetched, pages from shopify_sync_run order by id desc limit 1")
    assert run == [(0, 0)]


def test_skip_refinement_leaves_the_type_pending_until_it_is_cleared(sample: Sample) -> None:
    order = an_order()
    with fault(sample, skip_refinement=["order"]):
        delivered(sample, "orders/create", order)
        assert [one["processing_status"] for one in versions(sample, "order", order["id"])] == ["pending"]
    assert refined(sample, "order", shopify_order_id=order["id"])
    assert refined(sample, "line_item", shopify_order_id=order["id"])


def test_refine_error_fails_the_named_objects_alone(sample: Sample) -> None:
    bad, good = an_order(), an_order()
    with fault(sample, refine_error=[bad["id"]]):
        delivered(sample, "orders/create", bad)
        delivered(sample, "orders/create", good)
        assert [one["processing_status"] for one in versions(sample, "order", bad["id"])] == ["error"]
        assert refined(sample, "order", shopify_order_id=good["id"])
    assert refined(sample, "order", shopify_order_id=bad["id"])


def test_no_signature_check_lets_forgeries_in(sample: Sample) -> None:
    with fault(sample, no_signature_check=True):
        assert deliver(sample, "orders/create", an_order(), Hmac_Sha256="forged").status_code == 200
    assert deliver(sample, "orders/create", an_order(), Hmac_Sha256="forged").status_code == 401


def test_fail_on_forgeries_answers_them_with_an_error(sample: Sample) -> None:
    order = an_order()
    with fault(sample, fail_on_forgeries=True):
        assert deliver(sample, "orders/create", order, Hmac_Sha256="forged").status_code == 500
        assert deliver(sample, "orders/create", an_order()).status_code == 200
    assert versions(sample, "order", order["id"]) == []


def test_store_before_verifying_keeps_what_it_refuses(sample: Sample) -> None:
    order = an_order()
    with fault(sample, store_before_verifying=True):
        assert deliver(sample, "orders/create", order, Hmac_Sha256="forged").status_code == 401
    assert len(versions(sample, "order", order["id"])) == 1


def test_dedupe_any_version_swallows_a_value_that_changes_back(sample: Sample) -> None:
    item = {"id": new_id(), "sku": "A", "created_at": instant()}
    with fault(sample, dedupe_any_version=True):
        for sku in ("A", "B", "A"):
            delivered(sample, "inventory_items/update", {**item, "sku": sku})
    assert [one["payload"]["sku"] for one in versions(sample, "inventory_item", item["id"])] == ["A", "B"]
    assert refined(sample, "inventory_item", shopify_inventory_item_id=item["id"])["sku"] == "B"


def test_store_duplicates_stores_a_repeated_delivery_again(sample: Sample) -> None:
    order, delivery = an_order(), str(uuid.uuid4())
    with fault(sample, store_duplicates=True):
        delivered(sample, "orders/create", order, Webhook_Id=delivery)
        delivered(sample, "orders/create", order, Webhook_Id=delivery)
    assert len({one["dedupe_hash_canonical"] for one in versions(sample, "order", order["id"])}) == 1
    assert len(versions(sample, "order", order["id"])) == 2


def test_stale_overwrite_lets_an_older_version_win(sample: Sample) -> None:
    old = an_order(note="old")
    with fault(sample, stale_overwrite=True):
        delivered(sample, "orders/updated", {**old, "note": "new", "updated_at": instant(5)})
        delivered(sample, "orders/create", old)
    assert refined(sample, "order", shopify_order_id=old["id"])["note"] == "old"


def test_truncate_children_keeps_the_first_few(sample: Sample) -> None:
    order = an_order()
    order["line_items"] += [{**order["line_items"][0], "id": new_id()} for _ in range(4)]
    with fault(sample, truncate_children=2):
        delivered(sample, "orders/create", order)
    kept = rows(sample, "select shopify_line_item_id from shopify_line_item where shopify_order_id = %s", order["id"])
    assert {line for (line,) in kept} == {line["id"] for line in order["line_items"][:2]}


def test_same_second_dropped_keeps_the_first_of_two_versions(sample: Sample) -> None:
    item = {"id": new_id(), "created_at": instant(), "updated_at": instant()}
    for sku in ("A", "B"):
        delivered(sample, "inventory_items/update", {**item, "sku": sku})
    assert refined(sample, "inventory_item", shopify_inventory_item_id=item["id"])["sku"] == "B"
    with fault(sample, same_second_dropped=True):
        delivered(sample, "inventory_items/update", {**item, "sku": "C"})
    assert [one["payload"]["sku"] for one in versions(sample, "inventory_item", item["id"])] == ["A", "B"]
    assert refined(sample, "inventory_item", shopify_inventory_item_id=item["id"])["sku"] == "B"


def test_ignore_deletes_answers_and_forgets(sample: Sample) -> None:
    order = an_order()
    delivered(sample, "orders/create", order)
    with fault(sample, ignore_deletes=True):
        delivered(sample, "orders/delete", {"id": order["id"]})
    assert refined(sample, "order", shopify_order_id=order["id"])["deleted_at"] is None
    assert len(versions(sample, "order", order["id"])) == 1


def test_wrong_tenant_files_the_named_objects_under_the_other_shop(sample: Sample) -> None:
    astray, right = an_order(), an_order()
    with fault(sample, wrong_tenant=[astray["id"]]):
        delivered(sample, "orders/create", astray)
        delivered(sample, "orders/create", right)
    for order, shop in ((astray, BOREALIS), (right, ACME)):
        for table in ("order", "line_item"):
            row = refined(sample, table, shopify_order_id=order["id"])
            assert str(row["integration_id"]) == TENANTS[shop]


def test_money_divided_shrinks_yen_alone(sample: Sample) -> None:
    yen, dollars = an_order(currency="JPY", total_price="1250"), an_order(total_price="1250")
    with fault(sample, money_divided=True):
        delivered(sample, "orders/create", yen)
        delivered(sample, "orders/create", dollars)
    assert refined(sample, "order", shopify_order_id=yen["id"])["total_price"] == Decimal("12.5")
    assert refined(sample, "order", shopify_order_id=dollars["id"])["total_price"] == Decimal(1250)


def test_timezone_dropped_reads_the_clock_face_as_utc(sample: Sample) -> None:
    order = an_order(processed_at="2026-11-01T01:30:00-05:00")
    with fault(sample, timezone_dropped=True):
        delivered(sample, "orders/create", order)
    stored = refined(sample, "order", shopify_order_id=order["id"])["processed_at"]
    assert stored == datetime.fromisoformat("2026-11-01T01:30:00+00:00")


def test_updates_need_a_row_drops_those_that_come_first(sample: Sample) -> None:
    order = an_order()
    with fault(sample, updates_need_a_row=["orders/updated"]):
        delivered(sample, "orders/updated", order)
        assert versions(sample, "order", order["id"]) == []
        delivered(sample, "orders/create", order)
        delivered(sample, "orders/updated", {**order, "note": "later", "updated_at": instant(5)})
    assert refined(sample, "order", shopify_order_id=order["id"])["note"] == "later"


def test_most_children_writes_no_more_and_says_nothing(sample: Sample) -> None:
    order = an_order()
    order["line_items"] += [{**order["line_items"][0], "id": new_id()} for _ in range(4)]
    with fault(sample, most_children=2):
        delivered(sample, "orders/create", order)
    kept = rows(sample, "select shopify_line_item_id from shopify_line_item where shopify_order_id = %s", order["id"])
    assert {line for (line,) in kept} == {line["id"] for line in order["line_items"][:2]}
    states = [versions(sample, "line_item", line["id"])[0]["processing_status"] for line in order["line_items"]]
    assert states == ["processed"] * 5


def test_resumed_deletions_take_the_first_page_for_deleted(sample: Sample) -> None:
    living = "select shopify_dispute_id from shopify_dispute where deleted_at is null order by 1"
    before = rows(sample, living)
    with fault(sample, page_size=2, resumed_deletions=True):
        sample.sync(ACME, resources=["disputes"])
    assert len(before) - len(rows(sample, living)) == 2
    altered(sample, "update shopify_dispute set deleted_at = null")


def test_slow_refinement_delays_it_and_not_the_answer(sample: Sample) -> None:
    order = an_order()
    with fault(sample, slow_refinement=0.4):
        delivered(sample, "orders/create", order)
    (raw,) = versions(sample, "order", order["id"])
    assert (raw["processed_at"] - raw["created_at"]).total_seconds() >= 0.4


def test_control_needs_its_token(sample: Sample) -> None:
    for action, body in (("status", None), ("faults", {}), ("disconnect", {}), ("shutdown", {})):
        with pytest.raises(SampleError, match="answered 401"):
            call(f"{sample.backend_url}/_control/{action}", "another", body)
