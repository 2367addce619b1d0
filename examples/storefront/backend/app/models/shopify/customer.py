"""Customers and their addresses, and gift cards."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy.orm import Mapped

from app.models.base import Base
from app.models.shopify.refined import Day, Refined, belongs_to, one_per_shop, refers_to, taken_from


class ShopifyCustomer(Refined, Base):
    __tablename__ = "shopify_customer"
    __table_args__ = one_per_shop(__tablename__, "shopify_customer_id")
    object_type = "customer"
    key = ("shopify_customer_id",)

    shopify_customer_id: Mapped[int] = taken_from("id")
    email: Mapped[str | None]
    first_name: Mapped[str | None]
    last_name: Mapped[str | None]
    phone: Mapped[str | None]
    note: Mapped[str | None]
    state: Mapped[str | None]
    tags: Mapped[str | None]
    verified_email: Mapped[bool | None]
    tax_exempt: Mapped[bool | None]
    currency: Mapped[str | None]


class ShopifyCustomerAddress(Refined, Base):
    __tablename__ = "shopify_customer_address"
    __table_args__ = one_per_shop(__tablename__, "shopify_customer_address_id")
    object_type = "customer_address"
    key = ("shopify_customer_address_id",)

    shopify_customer_address_id: Mapped[int] = taken_from("id")
    shopify_customer_id: Mapped[int] = taken_from("customer_id")
    customer_id: Mapped[UUID] = belongs_to("customer", "shopify_customer_id")
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
    default: Mapped[bool | None]


class ShopifyGiftCard(Refined, Base):
    __tablename__ = "shopify_gift_card"
    __table_args__ = one_per_shop(__tablename__, "shopify_gift_card_id")
    object_type = "gift_card"
    key = ("shopify_gift_card_id",)

    shopify_gift_card_id: Mapped[int] = taken_from("id")
    shopify_customer_id: Mapped[int | None] = taken_from("customer_id")
    shopify_order_id: Mapped[int | None] = taken_from("order_id")
    customer_id: Mapped[UUID | None] = refers_to("customer", "shopify_customer_id")
    order_id: Mapped[UUID | None] = refers_to("order", "shopify_order_id")
    initial_value: Mapped[Decimal | None]
    balance: Mapped[Decimal | None]
    currency: Mapped[str | None]
    last_characters: Mapped[str | None]
    note: Mapped[str | None]
    expires_on: Mapped[Day | None]
    disabled_at: Mapped[datetime | None]
