"""Faults of phase 5: a sync that reads a part of a list, by time or from its middle, and passes records by.

Gift cards have no topics, so that nothing else brings what a sync leaves out.
"""

from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

from examples.answer_key import Expected, Planted

from .choosing import living, rows, some_tenant
from .losing import lost
from .switching import a_second_passes, backend, source

if TYPE_CHECKING:
    from ..sample import Sample

PAGE = 10


def created_alone_fetched(sample: "Sample", random: Random) -> Planted:
    """A sync asks for what was created since the last one, and a gift card that is older has changed."""
    tenant, shop = some_tenant(random)
    card = sample.record(shop, "gift_cards", "create")["id"]
    since = _read_up_to(sample, tenant, shop)
    sample.record(shop, "gift_cards", "update", int(card), note="Bought as a present")
    sample.record(shop, "gift_cards", "create")
    a_second_passes()
    with backend(sample, created_since=since):
        sample.sync(shop, resources=["gift_cards"])
    scope, fields = _scope(tenant), ["note", "source_updated_at"]
    must = [
        Expected("raw_differs_from_source", scope=scope, keys=[card], cause="CURSOR_SKIPPED"),
        Expected("field_differences", scope=scope, keys=[card], fields=fields, cause="CURSOR_SKIPPED"),
    ]
    return Planted("created_alone_fetched", mode=10, how="caused", must=must)


def equal_times_cut(sample: "Sample", random: Random) -> Planted:
    """More gift cards than a page holds change at one time, and the next page is asked for behind that time."""
    tenant, shop = some_tenant(random, "gift_card")
    since = _read_up_to(sample, tenant, shop)
    first = sample.record(shop, "gift_cards", "create")
    at_once = {"updated_at": first["record"]["updated_at"]}
    rest = [sample.record(shop, "gift_cards", "create", **at_once)["id"] for _ in range(PAGE + random.randint(2, 5))]
    *cut, last = sorted([first["id"], *rest], key=int)
    sample.record(shop, "gift_cards", "update", int(last), note="Of a later time, and on the next page")
    a_second_passes()
    with backend(sample, page_size=PAGE, paged_by_time=True, updated_since=since):
        sample.sync(shop, resources=["gift_cards"])
    must = lost(_scope(tenant), cut[PAGE:], "PAGE_BOUNDARY")
    return Planted("equal_times_cut", mode=15, how="caused", must=must)


def change_feed_capped(sample: "Sample", random: Random) -> Planted:
    """The provider answers a question for what changed with so many records at most, and has no page behind them."""
    tenant, shop = some_tenant(random, "gift_card")
    since = _read_up_to(sample, tenant, shop)
    made = [sample.record(shop, "gift_cards", "create")["id"] for _ in range(PAGE + random.randint(2, 5))]
    a_second_passes()
    with source(sample, capped_feeds={"gift_cards": PAGE}), backend(sample, updated_since=since):
        sample.sync(shop, resources=["gift_cards"])
    must = lost(_scope(tenant), sorted(made, key=int)[PAGE:], "PAGE_BOUNDARY")
    return Planted("change_feed_capped", mode=26, how="caused", must=must)


def unseen_taken_for_deleted(sample: "Sample", random: Random) -> Planted:
    """A sync goes on in the middle of a list, and takes for deleted what it has not seen."""
    tenant, shop = some_tenant(random)
    disputes = living(sample, tenant, "dispute")
    half = len(disputes) // 2
    with backend(sample, page_size=half, resumed_deletions=True):
        sample.sync(shop, resources=["disputes"])
    scope = {"tenant": tenant, "resource": "dispute"}
    lost = Expected("source_missing_in_refined", scope=scope, keys=disputes[:half], cause="LOCALLY_DELETED")
    may = ["raw_missing_in_refined"]
    return Planted("unseen_taken_for_deleted", mode=8, how="caused", must=[lost], may=may)


def _read_up_to(sample: "Sample", tenant: str, shop: str) -> str:
    """Read all gift cards, and return from when on the next sync may ask for what is new to it."""
    sample.sync(shop, resources=["gift_cards"])
    query = """select max(run.watermark) from shopify_sync_run as run join integration as one
        on one.id = run.integration_id where one.name = %s and run.object_type = 'gift_card'"""
    watermark: datetime = rows(sample, query, [tenant])[0][0]
    return (watermark + timedelta(seconds=1)).isoformat()


def _scope(tenant: str) -> dict[str, str]:
    return {"tenant": tenant, "resource": "gift_card"}
