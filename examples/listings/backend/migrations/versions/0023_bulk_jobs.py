"""Imports of many addresses at once, what each made, and the history of the listings."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    op.create_table(
        "bulk_jobs",
        sa.Column("id", sa.Uuid, server_default=sa.func.gen_random_uuid(), nullable=False),
        sa.Column("marketplace", sa.Text, nullable=False),
        sa.Column("status", sa.Text, server_default="queued", nullable=False),
        sa.Column("total_urls", sa.Integer, nullable=False),
        sa.Column("completed", sa.Integer, server_default=sa.text("0"), nullable=False),
        sa.Column("partial", sa.Integer, server_default=sa.text("0"), nullable=False),
        sa.Column("failed", sa.Integer, server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_bulk_jobs"),
        sa.CheckConstraint(
            "status in ('queued', 'running', 'complete', 'partial', 'failed')", name="ck_bulk_jobs_status"
        ),
    )
    op.add_column("import_sessions", sa.Column("bulk_job_id", sa.Uuid))
    op.add_column("import_sessions", sa.Column("listing_id", sa.BigInteger))
    op.add_column("import_sessions", sa.Column("quality", sa.Text))
    op.add_column("import_sessions", sa.Column("attempts", sa.Integer, server_default=sa.text("0"), nullable=False))
    op.create_check_constraint("ck_import_sessions_quality", "import_sessions", "quality in ('full', 'partial')")
    op.create_index("ix_import_sessions_bulk_job_id", "import_sessions", ["bulk_job_id"])
    op.create_index("ix_import_sessions_listing_id", "import_sessions", ["listing_id"])
    op.create_foreign_key(
        "fk_import_sessions_bulk_job_id", "import_sessions", "bulk_jobs", ["bulk_job_id"], ["id"], ondelete="CASCADE"
    )
    op.create_foreign_key("fk_import_sessions_listing_id", "import_sessions", "listings", ["listing_id"], ["id"])
    op.create_table(
        "listing_changes",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("listing_id", sa.BigInteger, nullable=False),
        sa.Column("quality_before", sa.Text, nullable=False),
        sa.Column("quality_after", sa.Text, nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_listing_changes"),
        sa.ForeignKeyConstraint(
            ["listing_id"], ["listings.id"], name="fk_listing_changes_listing_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_listing_changes_listing_id", "listing_changes", ["listing_id"])


def downgrade() -> None:
    op.drop_table("listing_changes")
    op.drop_constraint("fk_import_sessions_listing_id", "import_sessions", type_="foreignkey")
    op.drop_constraint("fk_import_sessions_bulk_job_id", "import_sessions", type_="foreignkey")
    op.drop_index("ix_import_sessions_listing_id", "import_sessions")
    op.drop_index("ix_import_sessions_bulk_job_id", "import_sessions")
    op.drop_constraint("ck_import_sessions_quality", "import_sessions", type_="check")
    op.drop_column("import_sessions", "attempts")
    op.drop_column("import_sessions", "quality")
    op.drop_column("import_sessions", "listing_id")
    op.drop_column("import_sessions", "bulk_job_id")
    op.drop_table("bulk_jobs")
