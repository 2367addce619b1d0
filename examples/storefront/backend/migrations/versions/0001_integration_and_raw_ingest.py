"""The integration record, and the raw table that everything is refined from.

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None

INSTANT = sa.DateTime(timezone=True)
INDEXES = (
    ("object", ("integration_id", "object_type", "shopify_object_id", sa.text("id DESC")), None),
    ("parent", ("integration_id", "parent_object_id"), "parent_object_id IS NOT NULL"),
    ("waiting", ("integration_id", "waits_for"), "waits_for IS NOT NULL"),
    ("open", ("processing_status", "id"), "processing_status IN ('pending', 'error')"),
    ("created_at", ("created_at",), None),
)


def upgrade() -> None:
    op.create_table(
        "integration",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.func.gen_random_uuid()),
        sa.Column("provider", sa.Text, nullable=False, server_default="shopify"),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("is_active", sa.Boolean, nullable=False, server_default="true"),
        sa.Column("metadata_info", JSONB, nullable=False, server_default="{}"),
        sa.Column("created_at", INSTANT, nullable=False, server_default=sa.func.clock_timestamp()),
    )
    op.create_table(
        "shopify_raw_ingest",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("integration_id", sa.Uuid, sa.ForeignKey("integration.id"), nullable=False),
        sa.Column("object_type", sa.Text, nullable=False),
        sa.Column("shopify_object_id", sa.Text, nullable=False),
        sa.Column("parent_object_id", sa.Text),
        sa.Column("payload", JSONB, nullable=False),
        sa.Column("dedupe_hash_canonical", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("topic", sa.Text),
        sa.Column("delivery_id", sa.Text),
        sa.Column("is_deletion", sa.Boolean, nullable=False, server_default="false"),
        sa.Column("source_updated_at", INSTANT),
        sa.Column("observed_at", INSTANT, nullable=False),
        sa.Column("processing_status", sa.Text, nullable=False, server_default="pending"),
        sa.Column("error_message", sa.Text),
        sa.Column("waits_for", sa.Text),
        sa.Column("created_at", INSTANT, nullable=False, server_default=sa.func.clock_timestamp()),
        sa.Column("processed_at", INSTANT),
    )
    for name, columns, condition in INDEXES:
        where = sa.text(condition) if condition else None
        op.create_index(f"ix_shopify_raw_ingest_{name}", "shopify_raw_ingest", columns, postgresql_where=where)


def downgrade() -> None:
    op.drop_table("shopify_raw_ingest")
    op.drop_table("integration")
