"""Two faults on one record, or a fault whose log is gone: the right causes, or none, and never a wrong one.

One clone bears all scenes, as each has a record, or a list, of its own. It is audited as it is, and with less: without
the log of deliveries, without the figures of the sync runs, with a log out of which what succeeded was cleared.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest

from examples.control import SampleError
from examples.storefront.faults.choosing import living
from examples.storefront.faults.subscribing import unsubscribed
from examples.storefront.faults.switching import a_second_passes, backend, source
from tests.checks.auditing import all_rows
from tests.checks.test_causes import EXTRA, FIELDS, OLD, RAW, REFINED, Change, File, Scene, logless

pytestmark = pytest.mark.xdist_group("composites")  # one clone for all of them

ACME, BOREALIS = "acme.myshopify.example", "borealis.myshopify.example"
CHECKS = (RAW, REFINED, EXTRA, FIELDS, OLD)
Causes = dict[tuple[str, str], set[str]]  # by check and field, or nothing


class Told:
    """What one audit says of each record: its causes, and those that stand behind them in the evidence."""

    def __init__(self, scene: Scene, change: Change = lambda file: None) -> None:
        with scene.audited(change) as audit:
            self.rows = [{"check": one, **row} for one in CHECKS for row in all_rows(audit, audit.check(one))]
        assert not [row for row in self.rows if str(row["evidence"]).startswith("the causes could not")]

    def of(self, source_id: str, tenant: str = "acme") -> Causes:
        found: Causes = {}
        for row in self.rows:
            if (row["source_id"], row["tenant"]) == (source_id, tenant):
                codes = {row["cause"], *self.also(row)}
                found.setdefault((row["check"], row.get("field") or ""), set()).update(codes)
        return found

    @staticmethod
    def also(row: dict[str, Any]) -> list[str]:
        return [part.split(":")[0] for part in str(row["evidence"]).split("; also ")[1:]]


@dataclass
class World:
    """The ids of the records that the scenes are about."""

    page: str = ""
    failed: str = ""
    swallowed: str = ""
    foreign: str = ""
    edited: str = ""
    zoned: str = ""
    removed: str = ""
    divided: str = ""
    refused: str = ""
    answered: str = ""
    untold: str = ""
    order: str = ""
    payment: str = ""
    waiting: str = ""


def a_skipped_page_of_what_was_not_delivered(clone: Any, world: World) -> None:
    planted = clone.plant("page_skipped")
    (world.page, *_) = planted.must[0].keys
    assert planted.must[0].scope["tenant"] in ("acme", "borealis")


def a_first_page_of_what_was_refused(clone: Any, world: World) -> None:
    for _ in range(10):
        clone.record(ACME, "draft_orders", "create")
    clone.settle()
    with source(clone, bad_signature=["draft_orders/create"]):
        world.refused = clone.record(ACME, "draft_orders", "create")["id"]
    a_second_passes()
    with backend(clone, page_size=10, page_limit=1):
        clone.sync(ACME, resources=["draft_orders"])


def a_child_whose_parent_was_on_no_page(clone: Any, world: World) -> None:
    topics = [f"orders/{what}" for what in ("create", "updated", "paid", "cancelled", "fulfilled")]
    with source(clone, drop_deliveries=topics):
        payment = clone.record(BOREALIS, "transactions", "create")
    world.payment, world.order = payment["id"], str(payment["record"]["order_id"])
    a_second_passes()
    with backend(clone, page_size=10, page_limit=1):
        clone.sync(BOREALIS, resources=["orders"])


def a_broken_sync_of_what_nobody_told(clone: Any, world: World) -> None:
    world.untold = living(clone, "acme", "product")[0]
    unsubscribed(clone, ACME, "products/update")
    clone.record(ACME, "products", "update", int(world.untold), vendor="Another one")
    clone.settle()
    a_second_passes()
    with source(clone, revoked_tokens=[ACME]), suppress(SampleError):
        clone.sync(ACME, resources=["products"])


def a_failure_behind_a_swallowed_reversion(clone: Any, world: World) -> None:
    world.failed, world.swallowed = living(clone, "acme", "dispute")[:2]
    with backend(clone, dedupe_any_version=True):
        for dispute in (world.failed, world.swallowed):
            before = clone.record(ACME, "disputes", "update", int(dispute), reason="fraudulent")["record"]
            clone.settle()
            clone.record(ACME, "disputes", "update", int(dispute), reason="a reason of its own")
            clone.settle()
            clone.record(ACME, "disputes", "update", int(dispute), **before)
    clone.backend_control("faults", {"refine_error": [world.failed]})
    clone.record(ACME, "disputes", "update", int(world.failed), network_reason_code="99")
    clone.settle()


def a_stranger_whose_deletion_was_ignored(clone: Any, world: World) -> None:
    with backend(clone, wrong_tenant=True):
        world.foreign = clone.record(ACME, "customers", "create")["id"]
    with backend(clone, ignore_deletes=True):
        clone.record(ACME, "customers", "delete", int(world.foreign))


def an_older_version_and_more(clone: Any, world: World) -> None:
    world.edited, world.zoned = living(clone, "acme", "customer")[:2]
    for customer, switches in ((world.edited, {}), (world.zoned, {"timezone_dropped": True})):
        with backend(clone, stale_overwrite=True, **switches), source(clone, reorder=["customers/update"]):
            clone.record(ACME, "customers", "update", int(customer), note="The first note")
            clone.record(ACME, "customers", "update", int(customer), note="The second note")
    with clone.owner() as connection:
        edit = "update shopify_customer set phone = 'by hand' where shopify_customer_id = %s"
        connection.execute(edit, [world.edited])


def an_update_that_was_lost_of_a_row_that_was_removed(clone: Any, world: World) -> None:
    world.removed = living(clone, "acme", "order")[3]
    with source(clone, drop_deliveries=["orders/updated"]):
        clone.record(ACME, "orders", "update", int(world.removed), note="Leave it at the door")
    with clone.owner() as connection:
        edit = "update shopify_order set deleted_at = now() where shopify_order_id = %s"
        connection.execute(edit, [world.removed])


def an_update_that_was_lost_of_amounts_that_are_wrong(clone: Any, world: World) -> None:
    query = """select shopify_order_id::text from shopify_order join integration on integration.id = integration_id
        where integration.name = 'borealis' and currency = 'JPY' and total_price > 0 and deleted_at is null
        order by 1"""
    with clone.owner() as connection:
        (world.divided,) = connection.execute(query).fetchone()
    with backend(clone, money_divided=True):
        clone.record(BOREALIS, "orders", "update", int(world.divided), note="First")
    with source(clone, drop_deliveries=["orders/updated"]):
        clone.record(BOREALIS, "orders", "update", int(world.divided), note="Second")


def an_answer_before_the_subscription_went(clone: Any, world: World) -> None:
    world.answered = living(clone, "acme", "inventory_item")[0]
    with backend(clone, answer_before_storing=["inventory_items/update"]):
        clone.record(ACME, "inventory_items", "update", int(world.answered), sku="LOST-1")
    unsubscribed(clone, ACME, "inventory_items/update")


def an_update_that_failed_before_one_that_was_lost(clone: Any, world: World) -> None:
    world.waiting = living(clone, "acme", "dispute")[2]
    clone.backend_control("faults", {"refine_error": [world.failed, world.waiting]})
    clone.record(ACME, "disputes", "update", int(world.waiting), reason="unrecognized", network_reason_code="1")
    clone.settle()
    with source(clone, drop_deliveries=["disputes/update"]):
        clone.record(ACME, "disputes", "update", int(world.waiting), network_reason_code="2")


SCENES = (
    *(a_skipped_page_of_what_was_not_delivered, a_first_page_of_what_was_refused),
    *(a_child_whose_parent_was_on_no_page, a_broken_sync_of_what_nobody_told),
    *(a_failure_behind_a_swallowed_reversion, a_stranger_whose_deletion_was_ignored, an_older_version_and_more),
    *(an_update_that_was_lost_of_a_row_that_was_removed, an_update_that_was_lost_of_amounts_that_are_wrong),
    *(an_answer_before_the_subscription_went, an_update_that_failed_before_one_that_was_lost),
)


def figureless(file: File) -> None:
    """Sync runs that say when they were, and not what they read."""
    file["syncs"]["columns"] |= {"fetched": "none", "pages": "none", "watermark": "none"}


@pytest.fixture(scope="module")
def scenes(sample: Any) -> Iterator[tuple[Scene, World]]:
    with sample.clone() as clone:
        world = World()
        for scene in SCENES:
            scene(clone, world)
        a_second_passes()
        yield Scene(clone), world


def one(causes: Causes, check: str, field: str = "") -> set[str]:
    return causes.get((check, field), set())


def test_two_causes_on_one_row_are_the_right_ones(scenes: tuple[Scene, World]) -> None:
    scene, world = scenes
    told = Told(scene)
    page = told.of(world.page) | told.of(world.page, "borealis")
    assert one(page, RAW) == one(page, REFINED) == {"PAGE_BOUNDARY", "UNDELIVERED"}
    assert one(told.of(world.refused), RAW) == {"PAGE_BOUNDARY", "REJECTED_SIGNATURE"}
    assert one(told.of(world.order, "borealis"), RAW) == {"PAGE_BOUNDARY", "UNDELIVERED"}
    assert told.of(world.payment, "borealis") == {(REFINED, ""): {"PARENT_MISSING"}}
    assert one(told.of(world.untold), OLD) == {"FETCH_ERROR", "TOPIC_NOT_SUBSCRIBED"}
    # The newest version has what was swallowed before it, and it is that one that fails.
    assert told.of(world.failed) == {
        (FIELDS, field): {"REFINE_ERROR"} for field in ("reason", "network_reason_code")
    }  # fmt: skip
    assert told.of(world.swallowed) == {(OLD, ""): {"FALSE_DEDUP"}, (FIELDS, "reason"): {"FALSE_DEDUP"}}
    assert told.of(world.foreign, "borealis") == {(EXTRA, ""): {"FOREIGN_TENANT"}}
    stale = {(FIELDS, field): {"STALE_OVERWRITE"} for field in ("note", "source_updated_at")}
    assert told.of(world.edited) == {**stale, (FIELDS, "phone"): {"REFINE_WRONG"}}
    assert told.of(world.zoned) == {**stale, (FIELDS, "source_created_at"): {"TIMEZONE"}}
    assert told.of(world.removed) == {(REFINED, ""): {"LOCALLY_DELETED"}, (OLD, ""): {"UNDELIVERED"}}
    divided = told.of(world.divided, "borealis")
    assert one(divided, FIELDS, "note") == {"UNDELIVERED"} and one(divided, FIELDS, "total_price") == {"UNIT_OR_SCALE"}
    assert told.of(world.answered) == {
        (check, field): {"NEVER_RECEIVED"}
        for check, field in ((OLD, ""), (FIELDS, "sku"), (FIELDS, "source_updated_at"))
    }
    waiting = told.of(world.waiting)
    assert one(waiting, FIELDS, "reason") == {"REFINE_ERROR"}
    assert one(waiting, FIELDS, "network_reason_code") == one(waiting, OLD) == {"MISSED_UPDATE"}


def test_without_the_log_of_deliveries_no_cause_rests_on_it(scenes: tuple[Scene, World]) -> None:
    scene, world = scenes
    told = Told(scene, logless())
    page = told.of(world.page) | told.of(world.page, "borealis")
    assert one(page, RAW) == one(told.of(world.refused), RAW) == {"PAGE_BOUNDARY"}
    assert told.of(world.payment, "borealis") == {(REFINED, ""): {"PARENT_MISSING"}}
    # Swallowed, or never sent back: both leave this behind.
    assert told.of(world.swallowed) == {(OLD, ""): {"UNEXPLAINED"}, (FIELDS, "reason"): {"UNEXPLAINED"}}
    # Nobody knows any more who sent it; that its deletion was missed is true as well.
    assert one(told.of(world.foreign, "borealis"), EXTRA) == {"MISSED_DELETE"}
    assert one(told.of(world.removed), OLD) == {"MISSED_UPDATE"}
    assert one(told.of(world.answered), OLD) <= {"MISSED_UPDATE", "TOPIC_NOT_SUBSCRIBED"}


def test_without_the_figures_of_the_runs_no_page_is_blamed(scenes: tuple[Scene, World]) -> None:
    scene, world = scenes
    told = Told(scene, figureless)
    rows = [row for row in told.rows if row["source_id"] == world.page and row["check"] == RAW]
    assert [row["cause"] for row in rows] == ["UNDELIVERED"]
    assert one(told.of(world.refused), RAW) == {"REJECTED_SIGNATURE"}
    assert one(told.of(world.order, "borealis"), RAW) == {"UNDELIVERED"}
    assert one(told.of(world.untold), OLD) == {"FETCH_ERROR", "TOPIC_NOT_SUBSCRIBED"}
    # Without the log too, it is seen that they stand beside each other, and no cause is claimed for that.
    bare = Told(scene, lambda file: [figureless(file), file.pop("deliveries"), file["source"].pop("subscriptions")])
    for row in [row for row in bare.rows if row["source_id"] == world.page and row["check"] == RAW]:
        assert row["cause"] in ("NEVER_RECEIVED", "UNEXPLAINED")


def test_a_log_that_keeps_only_what_failed_does_not_tell_that_nothing_came(scenes: tuple[Scene, World]) -> None:
    scene, world = scenes
    with scene.clone.owner() as connection:
        connection.execute("delete from shopify_webhook_delivery where outcome in ('accepted', 'duplicate')")
    told = Told(scene)
    assert one(told.of(world.removed), OLD) == {"MISSED_UPDATE"}
    assert one(told.of(world.answered), OLD) <= {"MISSED_UPDATE", "TOPIC_NOT_SUBSCRIBED"}
    assert one(told.of(world.refused), RAW) == {"PAGE_BOUNDARY", "REJECTED_SIGNATURE"}
    assert not any("UNDELIVERED" in Told.also(row) or row["cause"] == "UNDELIVERED" for row in told.rows)
