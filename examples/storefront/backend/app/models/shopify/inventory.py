"""Locations, stock items and how many of each lie where."""

from decimal import Decimal
from uuid import UUID

from sqlalchemy.orm import Mapped

from app.models.base import Base
from app.models.shopify.refined import Count, Refined, belongs_to, one_per_shop, taken_from


class ShopifyLocation(Refined, Base):
    __tablename__ = "shopify_location"
    __table_args__ = one_per_shop(__tablename__, "shopify_location_id")
    object_type = "location"
    key = ("shopify_location_id",)

    shopify_location_id: Mapped[int] = taken_from("id")
    name: Mapped[str | None]
    address1: Mapped[str | None]
    address2: Mapped[str | None]
    city: Mapped[str | None]
    zip: Mapped[str | None]
    province: Mapped[str | None]
    country: Mapped[str | None]
    country_code: Mapped[str | None]
    phone: Mapped[str | None]
    active: Mapped[bool | None]
    legacy: Mapped[bool | None]


class ShopifyInventoryItem(Refined, Base):
    __tablename__ = "shopify_inventory_item"
    __table_args__ = one_per_shop(__tablename__, "shopify_inventory_item_id")
    object_type = "inventory_item"
    key = ("shopify_inventory_item_id",)

    shopify_inventory_item_id: Mapped[int] = taken_from("id")
    sku: Mapped[str | None]
    cost: Mapped[Decimal | None]
    tracked: Mapped[bool | None]
    requires_shipping: Mapped[bool | None]
    country_code_of_origin: Mapped[str | None]
    harmonized_system_code: Mapped[str | None]


class ShopifyInventoryLevel(Refined, Base):
    __tablename__ = "shopify_inventory_level"
    __table_args__ = one_per_shop(__tablename__, "shopify_inventory_item_id", "shopify_location_id")
    object_type = "inventory_level"
    key = ("shopify_inventory_item_id", "shopify_location_id")

    shopify_inventory_item_id: Mapped[int] = taken_from("inventory_item_id")
    shopify_location_id: Mapped[int] = taken_from("location_id")
    inventory_item_id: Mapped[UUID] = belongs_to("inventory_item", "shopify_inventory_item_id")
    location_id: Mapped[UUID] = belongs_to("location", "shopify_location_id")
    available: Mapped[Count | None]
