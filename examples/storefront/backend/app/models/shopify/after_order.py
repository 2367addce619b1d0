"""What follows an order: refunds, payments, fulfillments; and draft orders, which precede one."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy.orm import Mapped

from app.models.base import Base
from app.models.shopify.refined import PARENT, Count, Refined, belongs_to, one_per_shop, refers_to, taken_from


class ShopifyRefund(Refined, Base):
    __tablename__ = "shopify_refund"
    __table_args__ = one_per_shop(__tablename__, "shopify_refund_id")
    object_type = "refund"
    key = ("shopify_refund_id",)

    shopify_refund_id: Mapped[int] = taken_from("id")
    shopify_order_id: Mapped[int] = taken_from("order_id")
    order_id: Mapped[UUID] = belongs_to("order", "shopify_order_id")
    note: Mapped[str | None]
    restock: Mapped[bool | None]
    user_id: Mapped[int | None]
    processed_at: Mapped[datetime | None]


class ShopifyRefundLineItem(Refined, Base):
    __tablename__ = "shopify_refund_line_item"
    __table_args__ = one_per_shop(__tablename__, "shopify_refund_line_item_id")
    object_type = "refund_line_item"
    key = ("shopify_refund_line_item_id",)

    shopify_refund_line_item_id: Mapped[int] = taken_from("id")
    shopify_refund_id: Mapped[int] = taken_from(PARENT)
    shopify_line_item_id: Mapped[int | None] = taken_from("line_item_id")
    refund_id: Mapped[UUID] = belongs_to("refund", "shopify_refund_id")
    line_item_id: Mapped[UUID | None] = refers_to("line_item", "shopify_line_item_id")
    quantity: Mapped[Count | None]
    restock_type: Mapped[str | None]
    subtotal: Mapped[Decimal | None]


class ShopifyTransaction(Refined, Base):
    __tablename__ = "shopify_transaction"
    __table_args__ = one_per_shop(__tablename__, "shopify_transaction_id")
    object_type = "transaction"
    key = ("shopify_transaction_id",)

    shopify_transaction_id: Mapped[int] = taken_from("id")
    shopify_order_id: Mapped[int] = taken_from("order_id")
    shopify_parent_id: Mapped[int | None] = taken_from("parent_id")
    order_id: Mapped[UUID] = belongs_to("order", "shopify_order_id")
    parent_id: Mapped[UUID | None] = refers_to("transaction", "shopify_parent_id")
    kind: Mapped[str | None]
    gateway: Mapped[str | None]
    amount: Mapped[Decimal | None]
    currency: Mapped[str | None]
    status: Mapped[str | None]
    message: Mapped[str | None]
    test: Mapped[bool | None]
    processed_at: Mapped[datetime | None]


class ShopifyFulfillment(Refined, Base):
    __tablename__ = "shopify_fulfillment"
    __table_args__ = one_per_shop(__tablename__, "shopify_fulfillment_id")
    object_type = "fulfillment"
    key = ("shopify_fulfillment_id",)

    shopify_fulfillment_id: Mapped[int] = taken_from("id")
    shopify_order_id: Mapped[int] = taken_from("order_id")
    shopify_location_id: Mapped[int | None] = taken_from("location_id")
    order_id: Mapped[UUID] = belongs_to("order", "shopify_order_id")
    location_id: Mapped[UUID | None] = refers_to("location", "shopify_location_id")
    name: Mapped[str | None]
    status: Mapped[str | None]
    service: Mapped[str | None]
    shipment_status: Mapped[str | None]
    tracking_company: Mapped[str | None]
    tracking_number: Mapped[str | None]


class ShopifyFulfillmentLineItem(Refined, Base):
    __tablename__ = "shopify_fulfillment_line_item"
    __table_args__ = one_per_shop(__tablename__, "shopify_fulfillment_id", "shopify_line_item_id")
    object_type = "fulfillment_line_item"
    key = ("shopify_fulfillment_id", "shopify_line_item_id")

    shopify_fulfillment_id: Mapped[int] = taken_from("fulfillment_id")
    shopify_line_item_id: Mapped[int] = taken_from("id")
    fulfillment_id: Mapped[UUID] = belongs_to("fulfillment", "shopify_fulfillment_id")
    line_item_id: Mapped[UUID | None] = refers_to("line_item", "shopify_line_item_id")
    quantity: Mapped[Count | None]


class ShopifyDraftOrder(Refined, Base):
    __tablename__ = "shopify_draft_order"
    __table_args__ = one_per_shop(__tablename__, "shopify_draft_order_id")
    object_type = "draft_order"
    key = ("shopify_draft_order_id",)

    shopify_draft_order_id: Mapped[int] = taken_from("id")
    shopify_customer_id: Mapped[int | None] = taken_from("customer.id")
    shopify_order_id: Mapped[int | None] = taken_from("order_id")
    customer_id: Mapped[UUID | None] = refers_to("customer", "shopify_customer_id")
    order_id: Mapped[UUID | None] = refers_to("order", "shopify_order_id")
    name: Mapped[str | None]
    status: Mapped[str | None]
    currency: Mapped[str | None]
    email: Mapped[str | None]
    note: Mapped[str | None]
    tags: Mapped[str | None]
    subtotal_price: Mapped[Decimal | None]
    total_discounts: Mapped[Decimal | None]
    total_tax: Mapped[Decimal | None]
    total_price: Mapped[Decimal | None]
    invoice_sent_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]


class ShopifyDraftLineItem(Refined, Base):
    __tablename__ = "shopify_draft_line_item"
    __table_args__ = one_per_shop(__tablename__, "shopify_draft_line_item_id")
    object_type = "draft_line_item"
    key = ("shopify_draft_line_item_id",)

    shopify_draft_line_item_id: Mapped[int] = taken_from("id")
    shopify_draft_order_id: Mapped[int] = taken_from(PARENT)
    shopify_product_id: Mapped[int | None] = taken_from("product_id")
    shopify_variant_id: Mapped[int | None] = taken_from("variant_id")
    draft_order_id: Mapped[UUID] = belongs_to("draft_order", "shopify_draft_order_id")
    product_id: Mapped[UUID | None] = refers_to("product", "shopify_product_id")
    variant_id: Mapped[UUID | None] = refers_to("variant", "shopify_variant_id")
    title: Mapped[str | None]
    sku: Mapped[str | None]
    quantity: Mapped[Count | None]
    price: Mapped[Decimal | None]
    total_discount: Mapped[Decimal | None]
