"""The provider's side of the storefront sample, over real HTTP. Pages, cursors, counts, filters and the rate limit."""

import time
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from tests.storefront.source.provider import (
    BOREALIS,
    COLLECTIONS,
    SHOPS,
    Source,
    started,
)


@pytest.mark.parametrize("shop", SHOPS)
@pytest.mark.parametrize("path", COLLECTIONS)
def test_paging_gives_every_object_once(still: Source, path: str, shop: str) -> None:
    query: dict[str, object] = {"status": "any"} if path == "orders" else {}
    pages = list(still.pages(path, shop, limit=7, **query))
    items = [item for page in pages for item in page]
    keys = [item.get("id") or (item["inventory_item_id"], item["location_id"]) for item in items]
    assert len(set(keys)) == len(keys) == still.get(f"{path}/count", shop, **query).json()["count"]
    assert all(len(page) == 7 for page in pages[:-1])
    assert path == "inventory_levels" or keys == sorted(keys)
    assert items == still.all(path, shop)


def test_a_page_leads_back_to_the_one_before(still: Source) -> None:
    first = still.get("products", limit=4)
    second = still.client.get(first.links["next"]["url"])
    assert "previous" not in first.links
    assert still.client.get(second.links["previous"]["url"]).json() == first.json()


def test_a_cursor_keeps_its_filters_and_takes_no_others(still: Source) -> None:
    first = still.get("orders", limit=2, status="cancelled")
    url = first.links["next"]["url"]
    assert all(order["cancelled_at"] for order in still.client.get(url).json()["orders"])
    assert still.client.get(url + "&status=any").status_code == 400
    assert still.get("orders", page_info="nonsense").status_code == 400


def test_pages_hold_fifty_by_default_and_at_most_two_hundred_and_fifty(tmp_path: Path) -> None:
    with started(tmp_path / "source.sqlite", "--size", "500") as source:
        assert len(source.get("orders", status="any").json()["orders"]) == 50
        assert len(source.get("orders", status="any", limit=9999).json()["orders"]) == 250
        assert source.get("orders", limit=0).status_code == 400
        assert source.get("orders", limit="many").status_code == 400


def test_orders_are_listed_and_counted_while_open_unless_asked_otherwise(still: Source) -> None:
    everything = still.all("orders")
    listed = still.all("orders", status="open")
    assert [order for order in everything if not order["cancelled_at"] and not order["closed_at"]] == listed
    assert still.get("orders/count").json() == {"count": len(listed)}
    assert len(listed) < len(everything)


def test_filters_by_id_and_time(still: Source) -> None:
    customers = still.all("customers")
    some = [customers[1], customers[5]]
    assert still.all("customers", ids=",".join(str(customer["id"]) for customer in some)) == some
    edge = sorted(datetime.fromisoformat(customer["updated_at"]) for customer in customers)[8]
    later = [customer for customer in customers if datetime.fromisoformat(customer["updated_at"]) >= edge]
    assert still.all("customers", updated_at_min=edge.isoformat()) == later
    payout = still.all("shopify_payments/payouts")[2]
    movements = still.all("shopify_payments/balance/transactions", payout_id=payout["id"])
    assert movements
    assert Decimal(payout["amount"]) == sum(Decimal(movement["net"]) for movement in movements)


def test_an_object_is_shown_alone_as_in_the_listing(still: Source) -> None:
    order = still.all("orders")[0]
    assert still.get(f"orders/{order['id']}").json() == {"order": order}


def test_children_are_also_listed_under_their_order(still: Source) -> None:
    refund = still.all("refunds")[0]
    assert refund in still.get(f"orders/{refund['order_id']}/refunds").json()["refunds"]


def test_too_many_requests_are_told_when_to_come_back(tmp_path: Path) -> None:
    with started(tmp_path / "source.sqlite", "--bucket", "5", "--rate", "2") as source:
        answers = [source.get("locations") for _ in range(8)]
        refused = next(answer for answer in answers if answer.status_code == 429)
        assert answers[0].headers["X-Shopify-Shop-Api-Call-Limit"] == "1/5"
        assert refused.headers["X-Shopify-Shop-Api-Call-Limit"] == "5/5"
        assert 0 < float(refused.headers["Retry-After"]) <= 0.5
        assert source.get("locations", BOREALIS).status_code == 200, "each shop has its own bucket"
        time.sleep(float(refused.headers["Retry-After"]) * 2)
        assert source.get("locations").status_code == 200
        assert "Date" in refused.headers


def test_a_feed_of_changes_can_be_capped_and_the_list_is_not(still: Source) -> None:
    whole = still.all("customers")
    with still.fault("capped_feeds", {"customers": 3}):
        assert still.all("customers", updated_at_min="2000-01-01T00:00:00Z") == whole[:3]
        assert still.all("customers") == whole


def test_a_missing_page_and_a_short_count_can_be_planted(still: Source) -> None:
    whole = still.all("customers")
    with still.fault("missing_page", ["customers"]):
        pages = [item for page in still.pages("customers", limit=5) for item in page]
    assert pages == whole[:5] + whole[10:]
    with still.fault("short_count", {"customers": 2}):
        assert still.get("customers/count").json() == {"count": len(whole) - 2}
