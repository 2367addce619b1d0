"""Products and what is nested in them: options, images, variants."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy.orm import Mapped

from app.models.base import Base
from app.models.shopify.refined import (
    Count,
    Numbers,
    Refined,
    Texts,
    belongs_to,
    one_per_shop,
    refers_to,
    taken_from,
)


class ShopifyProduct(Refined, Base):
    __tablename__ = "shopify_product"
    __table_args__ = one_per_shop(__tablename__, "shopify_product_id")
    object_type = "product"
    key = ("shopify_product_id",)

    shopify_product_id: Mapped[int] = taken_from("id")
    title: Mapped[str | None]
    body_html: Mapped[str | None]
    vendor: Mapped[str | None]
    product_type: Mapped[str | None]
    handle: Mapped[str | None]
    status: Mapped[str | None]
    tags: Mapped[str | None]
    published_at: Mapped[datetime | None]


class ShopifyProductOption(Refined, Base):
    __tablename__ = "shopify_product_option"
    __table_args__ = one_per_shop(__tablename__, "shopify_product_option_id")
    object_type = "product_option"
    key = ("shopify_product_option_id",)

    shopify_product_option_id: Mapped[int] = taken_from("id")
    shopify_product_id: Mapped[int] = taken_from("product_id")
    product_id: Mapped[UUID] = belongs_to("product", "shopify_product_id")
    name: Mapped[str | None]
    position: Mapped[Count | None]
    values: Mapped[Texts | None]


class ShopifyProductImage(Refined, Base):
    __tablename__ = "shopify_product_image"
    __table_args__ = one_per_shop(__tablename__, "shopify_product_image_id")
    object_type = "product_image"
    key = ("shopify_product_image_id",)

    shopify_product_image_id: Mapped[int] = taken_from("id")
    shopify_product_id: Mapped[int] = taken_from("product_id")
    product_id: Mapped[UUID] = belongs_to("product", "shopify_product_id")
    src: Mapped[str | None]
    alt: Mapped[str | None]
    position: Mapped[Count | None]
    width: Mapped[Count | None]
    height: Mapped[Count | None]
    variant_ids: Mapped[Numbers | None]


class ShopifyVariant(Refined, Base):
    __tablename__ = "shopify_variant"
    __table_args__ = one_per_shop(__tablename__, "shopify_variant_id")
    object_type = "variant"
    key = ("shopify_variant_id",)

    shopify_variant_id: Mapped[int] = taken_from("id")
    shopify_product_id: Mapped[int] = taken_from("product_id")
    shopify_inventory_item_id: Mapped[int | None] = taken_from("inventory_item_id")
    product_id: Mapped[UUID] = belongs_to("product", "shopify_product_id")
    inventory_item_id: Mapped[UUID | None] = refers_to("inventory_item", "shopify_inventory_item_id")
    title: Mapped[str | None]
    price: Mapped[Decimal | None]
    compare_at_price: Mapped[Decimal | None]
    sku: Mapped[str | None]
    barcode: Mapped[str | None]
    position: Mapped[Count | None]
    option1: Mapped[str | None]
    option2: Mapped[str | None]
    option3: Mapped[str | None]
    grams: Mapped[Count | None]
    taxable: Mapped[bool | None]
    requires_shipping: Mapped[bool | None]
