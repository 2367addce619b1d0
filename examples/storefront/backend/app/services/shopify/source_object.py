"""An object as the provider showed it, and what is nested in it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from app.core import faults

Payload = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SourceObject:
    """One version of one object; `observed_at` is when the provider showed it."""

    integration_id: UUID
    object_type: str
    object_id: str
    payload: Payload
    source: str
    observed_at: datetime
    topic: str | None = None
    delivery_id: str | None = None
    is_deletion: bool = False
    parent_id: str | None = None

    @property
    def identity(self) -> tuple[UUID, str, str]:
        return self.integration_id, self.object_type, self.object_id

    @property
    def updated_at(self) -> datetime | None:
        """None also if it cannot be read: that is for refinement to report, and no reason to lose the version."""
        try:
            instant = datetime.fromisoformat(self.payload["updated_at"])
        except (KeyError, TypeError, ValueError):
            return None
        return instant if instant.tzinfo else None


# Types that come by themselves but belong to another object, with the payload's field that names it.
OWNERS = {
    "refund": "order_id",
    "transaction": "order_id",
    "fulfillment": "order_id",
    "inventory_level": "inventory_item_id",
    "balance_transaction": "payout_id",
}


def object_id_of(object_type: str, payload: Payload) -> str:
    if object_type == "inventory_level":
        return f"{payload['inventory_item_id']}:{payload['location_id']}"
    return str(payload["id"])


def parent_id_of(object_type: str, payload: Payload) -> str | None:
    owner = OWNERS.get(object_type)
    return None if owner is None or payload.get(owner) is None else str(payload[owner])


def nested_in(parent: SourceObject) -> list[SourceObject]:
    """Everything a payload carries that has a table of its own, as objects of their own.

    What has an id of its own keeps its payload as it is. What has none is known by its place, so the place is added to
    the payload: two orders with the same discount code are two facts, and must not look like one.
    """
    taker = _NESTED.get(parent.object_type)
    if taker is None:
        return []
    limit = faults.value_of("truncate_children")
    taken: dict[str, int] = {}
    children = []
    for object_type, object_id, payload in taker(parent.payload):
        taken[object_type] = taken.get(object_type, 0) + 1
        if limit is None or taken[object_type] <= int(limit):
            child = replace(parent, object_type=object_type, object_id=object_id, payload=payload)
            children.append(replace(child, parent_id=parent.object_id))
    return children


Nested = Iterator[tuple[str, str, Payload]]


def _with_ids(object_type: str, items: list[Payload] | None) -> Nested:
    for item in items or []:
        yield object_type, str(item["id"]), item


def _with_positions(object_type: str, owner: str, owner_id: int, items: list[Payload] | None) -> Nested:
    for place, item in enumerate(items or [], start=1):
        position = 1 if faults.value_of("partial_key") else place
        yield object_type, f"{owner_id}:{position}", {owner: owner_id, "position": position, **item}


def _in_order(order: Payload) -> Nested:
    yield from _with_ids("line_item", order.get("line_items"))
    for line in order.get("line_items") or []:
        yield from _with_positions("line_item_tax", "line_item_id", line["id"], line.get("tax_lines"))
    yield from _with_ids("shipping_line", order.get("shipping_lines"))
    yield from _with_positions("order_discount", "order_id", order["id"], order.get("discount_codes"))
    yield from _with_positions("order_tax_line", "order_id", order["id"], order.get("tax_lines"))
    for kind in ("billing", "shipping"):
        address = order.get(f"{kind}_address")
        if address:
            yield "order_address", f"{order['id']}:{kind}", {"order_id": order["id"], "kind": kind, **address}


def _in_product(product: Payload) -> Nested:
    yield from _with_ids("product_option", product.get("options"))
    yield from _with_ids("product_image", product.get("images"))
    # Note: Variant does not have dedicated webhooks for its own fields in the Shopify Admin API;
    # variants/in_stock and variants/out_of_stock tell of its stock alone.
    # Data is synced via parent Product webhooks.
    # Verified: 2026-11-21 - against the list of topics of API version 2026-07
    # Source: https://shopify.dev/docs/api/webhooks?reference=toml
    yield from _with_ids("variant", product.get("variants"))


def _in_fulfillment(fulfillment: Payload) -> Nested:
    # The ids in here are those of the order's line items; several fulfillments may name the same one.
    for item in fulfillment.get("line_items") or []:
        object_id = f"{fulfillment['id']}:{item['id']}"
        yield "fulfillment_line_item", object_id, {"fulfillment_id": fulfillment["id"], **item}


_NESTED = {
    # Note: LineItem, LineItemTax, ShippingLine, OrderDiscount, OrderTaxLine, OrderAddress do not have
    # dedicated webhooks in the Shopify Admin API.
    # Data is synced via parent Order webhooks.
    # Verified: 2026-11-21 - against the list of topics of API version 2026-07
    # Source: https://shopify.dev/docs/api/webhooks?reference=toml
    "order": _in_order,
    # Note: ProductOption, ProductImage do not have dedicated webhooks in the Shopify Admin API.
    # Data is synced via parent Product webhooks.
    # Verified: 2026-11-21 - against the list of topics of API version 2026-07
    # Source: https://shopify.dev/docs/api/webhooks?reference=toml
    "product": _in_product,
    # Note: FulfillmentLineItem does not have dedicated webhooks in the Shopify Admin API.
    # Data is synced via parent Fulfillment webhooks.
    # Verified: 2026-11-21 - against the list of topics of API version 2026-07
    # Source: https://shopify.dev/docs/api/webhooks?reference=toml
    "fulfillment": _in_fulfillment,
    # Note: CustomerAddress does not have dedicated webhooks in the Shopify Admin API.
    # Data is synced via parent Customer webhooks.
    # Verified: 2026-11-21 - against the list of topics of API version 2026-07
    # Source: https://shopify.dev/docs/api/webhooks?reference=toml
    "customer": lambda customer: _with_ids("customer_address", customer.get("addresses")),
    # Note: RefundLineItem does not have dedicated webhooks in the Shopify Admin API.
    # Data is synced via parent Refund webhooks.
    # Verified: 2026-11-21 - against the list of topics of API version 2026-07
    # Source: https://shopify.dev/docs/api/webhooks?reference=toml
    "refund": lambda refund: _with_ids("refund_line_item", refund.get("refund_line_items")),
    # Note: DraftLineItem does not have dedicated webhooks in the Shopify Admin API.
    # Data is synced via parent DraftOrder webhooks.
    # Verified: 2026-11-21 - against the list of topics of API version 2026-07
    # Source: https://shopify.dev/docs/api/webhooks?reference=toml
    "draft_order": lambda draft: _with_ids("draft_line_item", draft.get("line_items")),
}
NESTED_TYPES: dict[str, frozenset[str]] = {
    "order": frozenset(
        {"line_item", "line_item_tax", "shipping_line", "order_discount", "order_tax_line", "order_address"}
    ),
    "product": frozenset({"product_option", "product_image", "variant"}),
    "fulfillment": frozenset({"fulfillment_line_item"}),
    "customer": frozenset({"customer_address"}),
    "refund": frozenset({"refund_line_item"}),
    "draft_order": frozenset({"draft_line_item"}),
}
