"""Orders and what is nested in them: lines and their taxes, shipping, discounts, taxes, addresses."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy.orm import Mapped

from app.models.base import Base
from app.models.shopify.refined import (
    PARENT,
    Count,
    Rate,
    Refined,
    belongs_to,
    one_per_shop,
    refers_to,
    taken_from,
)


class ShopifyOrder(Refined, Base):
    __tablename__ = "shopify_order"
    __table_args__ = one_per_shop(__tablename__, "shopify_order_id")
    object_type = "order"
    key = ("shopify_order_id",)

    shopify_order_id: Mapped[int] = taken_from("id")
    shopify_customer_id: Mapped[int | None] = taken_from("customer.id")
    customer_id: Mapped[UUID | None] = refers_to("customer", "shopify_customer_id")
    name: Mapped[str | None]
    order_number: Mapped[int | None]
    email: Mapped[str | None]
    phone: Mapped[str | None]
    note: Mapped[str | None]
    tags: Mapped[str | None]
    test: Mapped[bool | None]
    currency: Mapped[str | None]
    presentment_currency: Mapped[str | None]
    subtotal_price: Mapped[Decimal | None]
    total_discounts: Mapped[Decimal | None]
    total_tax: Mapped[Decimal | None]
    total_price: Mapped[Decimal | None]
    financial_status: Mapped[str | None]
    fulfillment_status: Mapped[str | None]
    cancel_reason: Mapped[str | None]
    cancelled_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    processed_at: Mapped[datetime | None]


class ShopifyLineItem(Refined, Base):
    __tablename__ = "shopify_line_item"
    __table_args__ = one_per_shop(__tablename__, "shopify_line_item_id")
    object_type = "line_item"
    key = ("shopify_line_item_id",)

    shopify_line_item_id: Mapped[int] = taken_from("id")
    shopify_order_id: Mapped[int] = taken_from(PARENT)
    shopify_product_id: Mapped[int | None] = taken_from("product_id")
    shopify_variant_id: Mapped[int | None] = taken_from("variant_id")
    order_id: Mapped[UUID] = belongs_to("order", "shopify_order_id")
    product_id: Mapped[UUID | None] = refers_to("product", "shopify_product_id")
    variant_id: Mapped[UUID | None] = refers_to("variant", "shopify_variant_id")
    title: Mapped[str | None]
    sku: Mapped[str | None]
    quantity: Mapped[Count | None]
    price: Mapped[Decimal | None]
    total_discount: Mapped[Decimal | None]


class ShopifyLineItemTax(Refined, Base):
    __tablename__ = "shopify_line_item_tax"
    __table_args__ = one_per_shop(__tablename__, "shopify_line_item_id", "position")
    object_type = "line_item_tax"
    key = ("shopify_line_item_id", "position")

    shopify_line_item_id: Mapped[int] = taken_from("line_item_id")
    position: Mapped[Count]
    line_item_id: Mapped[UUID] = belongs_to("line_item", "shopify_line_item_id")
    title: Mapped[str | None]
    price: Mapped[Decimal | None]
    rate: Mapped[Rate | None]


class ShopifyShippingLine(Refined, Base):
    __tablename__ = "shopify_shipping_line"
    __table_args__ = one_per_shop(__tablename__, "shopify_shipping_line_id")
    object_type = "shipping_line"
    key = ("shopify_shipping_line_id",)

    shopify_shipping_line_id: Mapped[int] = taken_from("id")
    shopify_order_id: Mapped[int] = taken_from(PARENT)
    order_id: Mapped[UUID] = belongs_to("order", "shopify_order_id")
    title: Mapped[str | None]
    code: Mapped[str | None]
    price: Mapped[Decimal | None]


class ShopifyOrderDiscount(Refined, Base):
    __tablename__ = "shopify_order_discount"
    __table_args__ = one_per_shop(__tablename__, "shopify_order_id", "position")
    object_type = "order_discount"
    key = ("shopify_order_id", "position")

    shopify_order_id: Mapped[int] = taken_from("order_id")
    position: Mapped[Count]
    order_id: Mapped[UUID] = belongs_to("order", "shopify_order_id")
    code: Mapped[str | None]
    amount: Mapped[Decimal | None]
    type: Mapped[str | None]


class ShopifyOrderTaxLine(Refined, Base):
    __tablename__ = "shopify_order_tax_line"
    __table_args__ = one_per_shop(__tablename__, "shopify_order_id", "position")
    object_type = "order_tax_line"
    key = ("shopify_order_id", "position")

    shopify_order_id: Mapped[int] = taken_from("order_id")
    position: Mapped[Count]
    order_id: Mapped[UUID] = belongs_to("order", "shopify_order_id")
    title: Mapped[str | None]
    price: Mapped[Decimal | None]
    rate: Mapped[Rate | None]


class ShopifyOrderAddress(Refined, Base):
    __tablename__ = "shopify_order_address"
    __table_args__ = one_per_shop(__tablename__, "shopify_order_id", "kind")
    object_type = "order_address"
    key = ("shopify_order_id", "kind")

    shopify_order_id: Mapped[int] = taken_from("order_id")
    kind: Mapped[str]
    order_id: Mapped[UUID] = belongs_to("order", "shopify_order_id")
    first_name: Mapped[str | None]
    last_name: Mapped[str | None]
    company: Mapped[str | None]
    address1: Mapped[str | None]
    address2: Mapped[str | None]
    city: Mapped[str | None]
    province: Mapped[str | None]
    zip: Mapped[str | None]
    country: Mapped[str | None]
    country_code: Mapped[str | None]
    phone: Mapped[str | None]
