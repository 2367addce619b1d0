"""The provider's side of the storefront sample, over real HTTP. Who may see what."""

from datetime import datetime

import pytest

from tests.storefront.source.provider import (
    ACME,
    COLLECTIONS,
    Source,
)

SCOPE_OF = {
    "orders": "read_orders",
    "customers": "read_customers",
    "products": "read_products",
    "inventory_items": "read_inventory",
    "inventory_levels": "read_inventory",
    "locations": "read_locations",
    "refunds": "read_returns",
    "transactions": "read_orders",
    "fulfillments": "read_assigned_fulfillment_orders",
    "draft_orders": "read_draft_orders",
    "gift_cards": "read_gift_cards",
    "shopify_payments/payouts": "read_shopify_payments_payouts",
    "shopify_payments/balance/transactions": "read_shopify_payments_payouts",
    "shopify_payments/disputes": "read_shopify_payments_disputes",
}


@pytest.mark.parametrize("headers", [{"X-Shopify-Access-Token": ""}, {"X-Shopify-Access-Token": "other"}])
def test_without_the_token_nothing_is_shown(still: Source, headers: dict[str, str]) -> None:
    for path in ("admin/oauth/access_scopes.json", "admin/api/2026-07/orders.json"):
        answer = still.client.get(f"/{ACME}/{path}", headers=headers)
        assert answer.status_code == 401
        assert isinstance(answer.json()["errors"], str)


def test_control_endpoints_need_their_own_token(still: Source) -> None:
    assert still.client.get("/_control/status").status_code == 401


def test_thirteen_scopes_are_granted(still: Source) -> None:
    scopes = still.client.get(f"/{ACME}/admin/oauth/access_scopes.json").json()["access_scopes"]
    assert len({scope["handle"] for scope in scopes}) == 13


def test_unknown_shop_collection_and_object_are_not_found(still: Source) -> None:
    assert still.get("orders", "other.myshopify.example").status_code == 404
    assert still.get("themes").status_code == 404
    assert still.get("orders/1").status_code == 404


@pytest.mark.parametrize("path", COLLECTIONS)
def test_a_collection_needs_its_scope(still: Source, path: str) -> None:
    assert still.get(path).status_code == 200
    with still.fault("revoked_scopes", [SCOPE_OF[path]]):
        assert still.get(path).status_code == 403
        assert still.get(f"{path}/count").status_code == 403


def test_orders_older_than_sixty_days_need_a_scope_of_their_own(still: Source) -> None:
    everything = still.all("orders")
    with still.fault("revoked_scopes", ["read_all_orders"]):
        recent = still.all("orders")
        old = [order for order in everything if order not in recent]
        newest_old = max(datetime.fromisoformat(order["created_at"]) for order in old)
        assert newest_old < min(datetime.fromisoformat(order["created_at"]) for order in recent)
        assert still.get("orders/count", status="any").json() == {"count": len(recent)}
        assert still.get(f"orders/{old[0]['id']}").status_code == 404
        assert still.get(f"orders/{recent[0]['id']}").status_code == 200
