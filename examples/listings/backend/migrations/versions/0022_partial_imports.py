"""Listings that came without a price or a condition, and where each of their values is from."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    op.alter_column("listings", "price_usd", nullable=True)
    op.alter_column("listings", "condition", nullable=True)
    op.add_column("listings", sa.Column("quality", sa.Text, server_default="full", nullable=False))
    op.add_column("listings", sa.Column("missing_fields", JSONB, server_default=sa.text("'[]'::jsonb"), nullable=False))
    op.add_column(
        "listings", sa.Column("extraction_metadata", JSONB, server_default=sa.text("'{}'::jsonb"), nullable=False)
    )
    op.create_check_constraint("ck_listings_quality", "listings", "quality in ('full', 'partial')")


def downgrade() -> None:
    """Listings without a price or a condition have no place in the former schema, and are deleted."""
    op.execute("delete from listings where price_usd is null or condition is null")
    op.drop_constraint("ck_listings_quality", "listings", type_="check")
    op.drop_column("listings", "extraction_metadata")
    op.drop_column("listings", "missing_fields")
    op.drop_column("listings", "quality")
    op.alter_column("listings", "condition", nullable=False)
    op.alter_column("listings", "price_usd", nullable=False)
