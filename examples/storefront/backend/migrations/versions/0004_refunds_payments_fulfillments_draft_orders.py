"""Refunds, payments, fulfillments, draft orders.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

INSTANT = sa.DateTime(timezone=True)
MONEY = sa.Numeric(20, 4)

TABLES = (
    "shopify_refund",
    "shopify_refund_line_item",
    "shopify_transaction",
    "shopify_fulfillment",
    "shopify_fulfillment_line_item",
    "shopify_draft_order",
    "shopify_draft_line_item",
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
        "shopify_refund",
        sa.Column("shopify_refund_id", sa.BigInteger, nullable=False),
        sa.Column("shopify_order_id", sa.BigInteger, nullable=False),
        local("order_id", "shopify_order"),
        sa.Column("note", sa.Text),
        sa.Column("restock", sa.Boolean),
        sa.Column("user_id", sa.BigInteger),
        sa.Column("processed_at", INSTANT),
        key=("shopify_refund_id",),
    )
    refined_table(
        "shopify_refund_line_item",
        sa.Column("shopify_refund_line_item_id", sa.BigInteger, nullable=False),
        sa.Column("shopify_refund_id", sa.BigInteger, nullable=False),
        sa.Column("shopify_line_item_id", sa.BigInteger),
        local("refund_id", "shopify_refund"),
        local("line_item_id", "shopify_line_item", nullable=True),
        sa.Column("quantity", sa.Integer),
        sa.Column("restock_type", sa.Text),
        sa.Column("subtotal", MONEY),
        key=("shopify_refund_line_item_id",),
    )
    refined_table(
        "shopify_transaction",
        sa.Column("shopify_transaction_id", sa.BigInteger, nullable=False),
        sa.Column("shopify_order_id", sa.BigInteger, nullable=False),
        sa.Column("shopify_parent_id", sa.BigInteger),
        local("order_id", "shopify_order"),
        local("parent_id", "shopify_transaction", nullable=True),
        sa.Column("kind", sa.Text),
        sa.Column("gateway", sa.Text),
        sa.Column("amount", MONEY),
        sa.Column("currency", sa.Text),
        sa.Column("status", sa.Text),
        sa.Column("message", sa.Text),
        sa.Column("test", sa.Boolean),
        sa.Column("processed_at", INSTANT),
        key=("shopify_transaction_id",),
    )
    refined_table(
        "shopify_fulfillment",
        sa.Column("shopify_fulfillment_id", sa.BigInteger, nullable=False),
        sa.Column("shopify_order_id", sa.BigInteger, nullable=False),
        sa.Column("shopify_location_id", sa.BigInteger),
        local("order_id", "shopify_order"),
        local("location_id", "shopify_location", nullable=True),
        sa.Column("name", sa.Text),
        sa.Column("status", sa.Text),
        sa.Column("service", sa.Text),
        sa.Column("shipment_status", sa.Text),
        sa.Column("tracking_company", sa.Text),
        sa.Column("tracking_number", sa.Text),
        key=("shopify_fulfillment_id",),
    )
    refined_table(
        "shopify_fulfillment_line_item",
        sa.Column("shopify_fulfillment_id", sa.BigInteger, nullable=False),
        sa.Column("shopify_line_item_id", sa.BigInteger, nullable=False),
        local("fulfillment_id", "shopify_fulfillment"),
        local("line_item_id", "shopify_line_item", nullable=True),
        sa.Column("quantity", sa.Integer),
        key=(
            "shopify_fulfillment_id",
            "shopify_line_item_id",
        ),
    )
    refined_table(
        "shopify_draft_order",
        sa.Column("shopify_draft_order_id", sa.BigInteger, nullable=False),
        sa.Column("shopify_customer_id", sa.BigInteger),
        sa.Column("shopify_order_id", sa.BigInteger),
        local("customer_id", "shopify_customer", nullable=True),
        local("order_id", "shopify_order", nullable=True),
        sa.Column("name", sa.Text),
        sa.Column("status", sa.Text),
        sa.Column("currency", sa.Text),
        sa.Column("email", sa.Text),
        sa.Column("note", sa.Text),
        sa.Column("tags", sa.Text),
        sa.Column("subtotal_price", MONEY),
        sa.Column("total_discounts", MONEY),
        sa.Column("total_tax", MONEY),
        sa.Column("total_price", MONEY),
        sa.Column("invoice_sent_at", INSTANT),
        sa.Column("completed_at", INSTANT),
        key=("shopify_draft_order_id",),
    )
    refined_table(
        "shopify_draft_line_item",
        sa.Column("shopify_draft_line_item_id", sa.BigInteger, nullable=False),
        sa.Column("shopify_draft_order_id", sa.BigInteger, nullable=False),
        sa.Column("shopify_product_id", sa.BigInteger),
        sa.Column("shopify_variant_id", sa.BigInteger),
        local("draft_order_id", "shopify_draft_order"),
        local("product_id", "shopify_product", nullable=True),
        local("variant_id", "shopify_variant", nullable=True),
        sa.Column("title", sa.Text),
        sa.Column("sku", sa.Text),
        sa.Column("quantity", sa.Integer),
        sa.Column("price", MONEY),
        sa.Column("total_discount", MONEY),
        key=("shopify_draft_line_item_id",),
    )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
