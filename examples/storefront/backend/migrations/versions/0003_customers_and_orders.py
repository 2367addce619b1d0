"""Customers and orders.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

INSTANT = sa.DateTime(timezone=True)
MONEY = sa.Numeric(20, 4)
RATE = sa.Numeric(12, 6)

TABLES = (
    "shopify_customer",
    "shopify_customer_address",
    "shopify_order",
    "shopify_line_item",
    "shopify_line_item_tax",
    "shopify_shipping_line",
    "shopify_order_discount",
    "shopify_order_tax_line",
    "shopify_order_address",
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
        "shopify_customer",
        sa.Column("shopify_customer_id", sa.BigInteger, nullable=False),
        sa.Column("email", sa.Text),
        sa.Column("first_name", sa.Text),
        sa.Column("last_name", sa.Text),
        sa.Column("phone", sa.Text),
        sa.Column("note", sa.Text),
        sa.Column("state", sa.Text),
        sa.Column("tags", sa.Text),
        sa.Column("verified_email", sa.Boolean),
        sa.Column("tax_exempt", sa.Boolean),
        sa.Column("currency", sa.Text),
        key=("shopify_customer_id",),
    )
    refined_table(
        "shopify_customer_address",
        sa.Column("shopify_customer_address_id", sa.BigInteger, nullable=False),
        sa.Column("shopify_customer_id", sa.BigInteger, nullable=False),
        local("customer_id", "shopify_customer"),
        sa.Column("first_name", sa.Text),
        sa.Column("last_name", sa.Text),
        sa.Column("company", sa.Text),
        sa.Column("address1", sa.Text),
        sa.Column("address2", sa.Text),
        sa.Column("city", sa.Text),
        sa.Column("province", sa.Text),
        sa.Column("zip", sa.Text),
        sa.Column("country", sa.Text),
        sa.Column("country_code", sa.Text),
        sa.Column("phone", sa.Text),
        sa.Column("default", sa.Boolean),
        key=("shopify_customer_address_id",),
    )
    refined_table(
        "shopify_order",
        sa.Column("shopify_order_id", sa.BigInteger, nullable=False),
        sa.Column("shopify_customer_id", sa.BigInteger),
        local("customer_id", "shopify_customer", nullable=True),
        sa.Column("name", sa.Text),
        sa.Column("order_number", sa.BigInteger),
        sa.Column("email", sa.Text),
        sa.Column("phone", sa.Text),
        sa.Column("note", sa.Text),
        sa.Column("tags", sa.Text),
        sa.Column("test", sa.Boolean),
        sa.Column("currency", sa.Text),
        sa.Column("presentment_currency", sa.Text),
        sa.Column("subtotal_price", MONEY),
        sa.Column("total_discounts", MONEY),
        sa.Column("total_tax", MONEY),
        sa.Column("total_price", MONEY),
        sa.Column("financial_status", sa.Text),
        sa.Column("fulfillment_status", sa.Text),
        sa.Column("cancel_reason", sa.Text),
        sa.Column("cancelled_at", INSTANT),
        sa.Column("closed_at", INSTANT),
        sa.Column("processed_at", INSTANT),
        key=("shopify_order_id",),
    )
    refined_table(
        "shopify_line_item",
        sa.Column("shopify_line_item_id", sa.BigInteger, nullable=False),
        sa.Column("shopify_order_id", sa.BigInteger, nullable=False),
        sa.Column("shopify_product_id", sa.BigInteger),
        sa.Column("shopify_variant_id", sa.BigInteger),
        local("order_id", "shopify_order"),
        local("product_id", "shopify_product", nullable=True),
        local("variant_id", "shopify_variant", nullable=True),
        sa.Column("title", sa.Text),
        sa.Column("sku", sa.Text),
        sa.Column("quantity", sa.Integer),
        sa.Column("price", MONEY),
        sa.Column("total_discount", MONEY),
        key=("shopify_line_item_id",),
    )
    refined_table(
        "shopify_line_item_tax",
        sa.Column("shopify_line_item_id", sa.BigInteger, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        local("line_item_id", "shopify_line_item"),
        sa.Column("title", sa.Text),
        sa.Column("price", MONEY),
        sa.Column("rate", RATE),
        key=(
            "shopify_line_item_id",
            "position",
        ),
    )
    refined_table(
        "shopify_shipping_line",
        sa.Column("shopify_shipping_line_id", sa.BigInteger, nullable=False),
        sa.Column("shopify_order_id", sa.BigInteger, nullable=False),
        local("order_id", "shopify_order"),
        sa.Column("title", sa.Text),
        sa.Column("code", sa.Text),
        sa.Column("price", MONEY),
        key=("shopify_shipping_line_id",),
    )
    refined_table(
        "shopify_order_discount",
        sa.Column("shopify_order_id", sa.BigInteger, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        local("order_id", "shopify_order"),
        sa.Column("code", sa.Text),
        sa.Column("amount", MONEY),
        sa.Column("type", sa.Text),
        key=(
            "shopify_order_id",
            "position",
        ),
    )
    refined_table(
        "shopify_order_tax_line",
        sa.Column("shopify_order_id", sa.BigInteger, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        local("order_id", "shopify_order"),
        sa.Column("title", sa.Text),
        sa.Column("price", MONEY),
        sa.Column("rate", RATE),
        key=(
            "shopify_order_id",
            "position",
        ),
    )
    refined_table(
        "shopify_order_address",
        sa.Column("shopify_order_id", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        local("order_id", "shopify_order"),
        sa.Column("first_name", sa.Text),
        sa.Column("last_name", sa.Text),
        sa.Column("company", sa.Text),
        sa.Column("address1", sa.Text),
        sa.Column("address2", sa.Text),
        sa.Column("city", sa.Text),
        sa.Column("province", sa.Text),
        sa.Column("zip", sa.Text),
        sa.Column("country", sa.Text),
        sa.Column("country_code", sa.Text),
        sa.Column("phone", sa.Text),
        key=(
            "shopify_order_id",
            "kind",
        ),
    )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
