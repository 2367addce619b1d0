"""The delivery log and the record of sync runs.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "shopify_webhook_delivery",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("delivery_id", sa.Text),
        sa.Column("event_id", sa.Text),
        sa.Column("integration_id", sa.Uuid, sa.ForeignKey("integration.id")),
        sa.Column("topic", sa.Text),
        sa.Column("shopify_object_id", sa.Text),
        sa.Column("triggered_at", INSTANT),
        sa.Column("received_at", INSTANT, nullable=False, index=True),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("error", sa.Text),
    )
    op.create_index("ix_shopify_webhook_delivery_delivery_id", "shopify_webhook_delivery", ["delivery_id"])
    op.create_table(
        "shopify_sync_run",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("integration_id", sa.Uuid, sa.ForeignKey("integration.id"), nullable=False),
        sa.Column("object_type", sa.Text, nullable=False),
        sa.Column("trigger", sa.Text, nullable=False),
        sa.Column("started_at", INSTANT, nullable=False, server_default=sa.func.clock_timestamp()),
        sa.Column("ended_at", INSTANT),
        sa.Column("fetched", sa.Integer, nullable=False, server_default="0"),
        sa.Column("pages", sa.Integer, nullable=False, server_default="0"),
        sa.Column("watermark", INSTANT),
        sa.Column("error", sa.Text),
    )
    columns = ["integration_id", "object_type", "started_at"]
    op.create_index("ix_shopify_sync_run_resource", "shopify_sync_run", columns)


def downgrade() -> None:
    op.drop_table("shopify_sync_run")
    op.drop_table("shopify_webhook_delivery")
