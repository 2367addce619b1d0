"""What the provider offers: its shops, scopes, collections and webhook topics."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

API_VERSION = "2026-07"

SCOPES = (
    "read_orders",
    "read_all_orders",
    "read_customers",
    "read_products",
    "read_inventory",
    "read_locations",
    "read_fulfillments",
    "read_assigned_fulfillment_orders",
    "read_draft_orders",
    "read_shopify_payments_payouts",
    "read_shopify_payments_disputes",
    "read_gift_cards",
    "read_returns",
)


@dataclass(frozen=True)
class Shop:
    number: int
    name: str
    domain: str
    currency: str
    zone: ZoneInfo
    share: float
    tax_name: str
    tax_basis_points: int


@dataclass(frozen=True)
class Collection:
    path: str
    plural: str
    singular: str
    scopes: tuple[str, ...]
    topics: Mapping[str, str] = field(default_factory=dict)
    more_topics: tuple[str, ...] = ()
    dated: bool = True  # whether its objects carry updated_at


SHOPS = {
    shop.domain: shop
    for shop in (
        Shop(0, "acme", "acme.myshopify.example", "USD", ZoneInfo("America/New_York"), 0.6, "NY State Tax", 825),
        Shop(1, "borealis", "borealis.myshopify.example", "JPY", ZoneInfo("Asia/Tokyo"), 0.4, "消費税", 1000),
    )
}


def _plain(name: str, singular: str, *scopes: str, update: str = "update", more: tuple[str, ...] = ()) -> Collection:
    topics = {"create": f"{name}/create", "update": f"{name}/{update}", "delete": f"{name}/delete"}
    return Collection(name, name, singular, scopes, topics, more)


COLLECTIONS = {
    "orders": _plain(
        "orders",
        "order",
        "read_orders",
        update="updated",
        more=("orders/cancelled", "orders/paid", "orders/fulfilled", "orders/partially_fulfilled"),
    ),
    "customers": _plain("customers", "customer", "read_customers", more=("customers/disable", "customers/enable")),
    "products": _plain("products", "product", "read_products"),
    "inventory_items": _plain("inventory_items", "inventory_item", "read_inventory"),
    "inventory_levels": Collection(
        "inventory_levels",
        "inventory_levels",
        "inventory_level",
        ("read_inventory",),
        {
            "create": "inventory_levels/connect",
            "update": "inventory_levels/update",
            "delete": "inventory_levels/disconnect",
        },
    ),
    "locations": _plain("locations", "location", "read_locations"),
    "refunds": Collection(
        "refunds", "refunds", "refund", ("read_orders", "read_returns"), {"create": "refunds/create"}, dated=False
    ),
    "transactions": Collection(
        "transactions",
        "transactions",
        "transaction",
        ("read_orders",),
        {"create": "order_transactions/create"},
        dated=False,
    ),
    "fulfillments": Collection(
        "fulfillments",
        "fulfillments",
        "fulfillment",
        ("read_fulfillments", "read_assigned_fulfillment_orders"),
        {"create": "fulfillments/create", "update": "fulfillments/update"},
    ),
    "draft_orders": _plain("draft_orders", "draft_order", "read_draft_orders"),
    "payouts": Collection(
        "shopify_payments/payouts", "payouts", "payout", ("read_shopify_payments_payouts",), dated=False
    ),
    "balance_transactions": Collection(
        "shopify_payments/balance/transactions",
        "transactions",
        "transaction",
        ("read_shopify_payments_payouts",),
        dated=False,
    ),
    "disputes": Collection(
        "shopify_payments/disputes",
        "disputes",
        "dispute",
        ("read_shopify_payments_disputes",),
        {"create": "disputes/create", "update": "disputes/update"},
        dated=False,
    ),
    "gift_cards": Collection("gift_cards", "gift_cards", "gift_card", ("read_gift_cards",)),
}

APP_TOPIC = "app/uninstalled"
SCOPES_OF_TOPIC: dict[str, tuple[str, ...]] = {APP_TOPIC: ()} | {
    topic: collection.scopes
    for collection in COLLECTIONS.values()
    for topic in (*collection.topics.values(), *collection.more_topics)
}
