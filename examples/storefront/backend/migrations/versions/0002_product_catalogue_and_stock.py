"""Product catalogue and stock.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"

INSTANT = sa.DateTime(timezone=True)
MONEY = sa.Numeric(20, 4)

TABLES = (
    "shopify_location",
    "shopify_inventory_item",
    "shopify_inventory_level",
    "shopify_product",
    "shopify_product_option",
    "shopify_product_image",
    "shopify_variant",
)


def refined_table(name: str, *columns: sa.Column, key: tuple[str, ...]) -> None:
    """A table with what all refined tables share around its own columns."""
    now = sa.func.clock_timestamp()
    op.create_table(
        name,
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.func.gen_random_uuid()),
        sa.Column("integration_id", sa.Uuid, sa.ForeignKey("integration.id"), nullable=False),
        *columns,
        sa.Column("raw_ingest_id", sa.BigInteger, nullable=False),
        sa.Column("source_created_at", INSTANT),
        sa.Column("source_updated_at", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False, server_default=now),
        sa.Column("updated_at", INSTANT, nullable=False, server_default=now),
        sa.Column("deleted_at", INSTANT),
        sa.UniqueConstraint("integration_id", *key, name=f"uq_{name}_source"),
    )


def local(name: str, table: str, nullable: bool = False) -> sa.Column:
    """The local id of a row of another table."""
    return sa.Column(name, sa.Uuid, sa.ForeignKey(f"{table}.id"), nullable=nullable, index=True)


def upgrade() -> None:
    refined_table(
        "shopify_location",
        sa.Column("shopify_location_id", sa.BigInteger, nullable=False),
        sa.Column("name", sa.Text),
        sa.Column("address1", sa.Text),
        sa.Column("address2", sa.Text),
        sa.Column("city", sa.Text),
        sa.Column("zip", sa.Text),
        sa.Column("province", sa.Text),
        sa.Column("country", sa.Text),
        sa.Column("country_code", sa.Text),
        sa.Column("phone", sa.Text),
        sa.Column("active", sa.Boolean),
        sa.Column("legacy", sa.Boolean),
        key=("shopify_location_id",),
    )
    refined_table(
        "shopify_inventory_item",
        sa.Column("shopify_inventory_item_id", sa.BigInteger, nullable=False),
        sa.Column("sku", sa.Text),
        sa.Column("cost", MONEY),
        sa.Column("tracked", sa.Boolean),
        sa.Column("requires_shipping", sa.Boolean),
        sa.Column("country_code_of_origin", sa.Text),
        sa.Column("harmonized_system_code", sa.Text),
        key=("shopify_inventory_item_id",),
    )
    refined_table(
        "shopify_inventory_level",
        sa.Column("shopify_inventory_item_id", sa.BigInteger, nullable=False),
        sa.Column("shopify_location_id", sa.BigInteger, nullable=False),
        local("inventory_item_id", "shopify_inventory_item"),
        local("location_id", "shopify_location"),
        sa.Column("available", sa.Integer),
        key=(
            "shopify_inventory_item_id",
            "shopify_location_id",
        ),
    )
    refined_table(
        "shopify_product",
        sa.Column("shopify_product_id", sa.BigInteger, nullable=False),
        sa.Column("title", sa.Text),
        sa.Column("body_html", sa.Text),
        sa.Column("vendor", sa.Text),
        sa.Column("product_type", sa.Text),
        sa.Column("handle", sa.Text),
        sa.Column("status", sa.Text),
        sa.Column("tags", sa.Text),
        sa.Column("published_at", INSTANT),
        key=("shopify_product_id",),
    )
    refined_table(
        "shopify_product_option",
        sa.Column("shopify_product_option_id", sa.BigInteger, nullable=False),
        sa.Column("shopify_product_id", sa.BigInteger, nullable=False),
        local("product_id", "shopify_product"),
        sa.Column("name", sa.Text),
        sa.Column("position", sa.Integer),
        sa.Column("values", postgresql.ARRAY(sa.Text)),
        key=("shopify_product_option_id",),
    )
    refined_table(
        "shopify_product_image",
        sa.Column("shopify_product_image_id", sa.BigInteger, nullable=False),
        sa.Column("shopify_product_id", sa.BigInteger, nullable=False),
        local("product_id", "shopify_product"),
        sa.Column("src", sa.Text),
        sa.Column("alt", sa.Text),
        sa.Column("position", sa.Integer),
        sa.Column("width", sa.Integer),
        sa.Column("height", sa.Integer),
        sa.Column("variant_ids", postgresql.ARRAY(sa.BigInteger)),
        key=("shopify_product_image_id",),
    )
    refined_table(
        "shopify_variant",
        sa.Column("shopify_variant_id", sa.BigInteger, nullable=False),
        sa.Column("shopify_product_id", sa.BigInteger, nullable=False),
        sa.Column("shopify_inventory_item_id", sa.BigInteger),
        local("product_id", "shopify_product"),
        local("inventory_item_id", "shopify_inventory_item", nullable=True),
        sa.Column("title", sa.Text),
        sa.Column("price", MONEY),
        sa.Column("compare_at_price", MONEY),
        sa.Column("sku", sa.Text),
        sa.Column("barcode", sa.Text),
        sa.Column("position", sa.Integer),
        sa.Column("option1", sa.Text),
        sa.Column("option2", sa.Text),
        sa.Column("option3", sa.Text),
        sa.Column("grams", sa.Integer),
        sa.Column("taxable", sa.Boolean),
        sa.Column("requires_shipping", sa.Boolean),
        key=("shopify_variant_id",),
    )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
