"""Processors, listings and the imports that brought them."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "cpus",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("cpu_mark", sa.Integer),
        sa.Column("single_thread_rating", sa.Integer),
        sa.PrimaryKeyConstraint("id", name="pk_cpus"),
        sa.UniqueConstraint("name", name="uq_cpus_name"),
    )
    op.create_table(
        "listings",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("url", sa.Text),
        sa.Column("marketplace", sa.Text, nullable=False),
        sa.Column("price_usd", sa.Numeric(10, 2), nullable=False),
        sa.Column("condition", sa.Text, nullable=False),
        sa.Column("cpu_id", sa.BigInteger),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_listings"),
        sa.ForeignKeyConstraint(["cpu_id"], ["cpus.id"], name="fk_listings_cpu_id"),
        sa.CheckConstraint("marketplace in ('amazon', 'ebay', 'other')", name="ck_listings_marketplace"),
        sa.CheckConstraint("condition in ('new', 'refurb', 'used')", name="ck_listings_condition"),
    )
    op.create_index("ix_listings_cpu_id", "listings", ["cpu_id"])
    op.create_table(
        "import_sessions",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("filename", sa.Text, nullable=False),
        sa.Column("status", sa.Text, server_default="queued", nullable=False),
        sa.Column("error", sa.Text),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_import_sessions"),
        sa.CheckConstraint("status in ('queued', 'running', 'complete', 'failed')", name="ck_import_sessions_status"),
    )


def downgrade() -> None:
    raise RuntimeError("0019 is the first revision that is kept; restore a backup to go behind it")
