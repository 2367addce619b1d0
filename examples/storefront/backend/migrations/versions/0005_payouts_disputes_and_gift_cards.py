"""Payouts, disputes and gift cards.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

INSTANT = sa.DateTime(timezone=True)
MONEY = sa.Numeric(20, 4)

TABLES = (
    "shopify_payout",
    "shopify_balance_transaction",
    "shopify_dispute",
    "shopify_gift_card",
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
        "shopify_payout",
        sa.Column("shopify_payout_id", sa.BigInteger, nullable=False),
        sa.Column("status", sa.Text),
        sa.Column("date", sa.Date),
        sa.Column("currency", sa.Text),
        sa.Column("amount", MONEY),
        key=("shopify_payout_id",),
    )
    refined_table(
        "shopify_balance_transaction",
        sa.Column("shopify_balance_transaction_id", sa.BigInteger, nullable=False),
        sa.Column("shopify_payout_id", sa.BigInteger, nullable=False),
        local("payout_id", "shopify_payout"),
        sa.Column("type", sa.Text),
        sa.Column("test", sa.Boolean),
        sa.Column("payout_status", sa.Text),
        sa.Column("currency", sa.Text),
        sa.Column("amount", MONEY),
        sa.Column("fee", MONEY),
        sa.Column("net", MONEY),
        sa.Column("source_id", sa.BigInteger),
        sa.Column("source_type", sa.Text),
        sa.Column("source_order_id", sa.BigInteger),
        sa.Column("source_order_transaction_id", sa.BigInteger),
        sa.Column("processed_at", INSTANT),
        key=("shopify_balance_transaction_id",),
    )
    refined_table(
        "shopify_dispute",
        sa.Column("shopify_dispute_id", sa.BigInteger, nullable=False),
        sa.Column("shopify_order_id", sa.BigInteger),
        local("order_id", "shopify_order", nullable=True),
        sa.Column("type", sa.Text),
        sa.Column("amount", MONEY),
        sa.Column("currency", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("network_reason_code", sa.Text),
        sa.Column("status", sa.Text),
        sa.Column("evidence_due_by", INSTANT),
        sa.Column("evidence_sent_on", INSTANT),
        sa.Column("finalized_on", INSTANT),
        sa.Column("initiated_at", INSTANT),
        key=("shopify_dispute_id",),
    )
    refined_table(
        "shopify_gift_card",
        sa.Column("shopify_gift_card_id", sa.BigInteger, nullable=False),
        sa.Column("shopify_customer_id", sa.BigInteger),
        sa.Column("shopify_order_id", sa.BigInteger),
        local("customer_id", "shopify_customer", nullable=True),
        local("order_id", "shopify_order", nullable=True),
        sa.Column("initial_value", MONEY),
        sa.Column("balance", MONEY),
        sa.Column("currency", sa.Text),
        sa.Column("last_characters", sa.Text),
        sa.Column("note", sa.Text),
        sa.Column("expires_on", sa.Date),
        sa.Column("disabled_at", INSTANT),
        key=("shopify_gift_card_id",),
    )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
