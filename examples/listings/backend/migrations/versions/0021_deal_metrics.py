"""What a listing is worth: its price without memory and storage, and the price of its processor's speed."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.add_column("listings", sa.Column("adjusted_price_usd", sa.Numeric(10, 2)))
    op.add_column("listings", sa.Column("price_per_cpu_mark", sa.Numeric(14, 6)))
    op.add_column("listings", sa.Column("adjusted_deal_rating", sa.Text))
    op.add_column("listings", sa.Column("cpu_price_performance_rating", sa.Text))


def downgrade() -> None:
    op.drop_column("listings", "cpu_price_performance_rating")
    op.drop_column("listings", "adjusted_deal_rating")
    op.drop_column("listings", "price_per_cpu_mark")
    op.drop_column("listings", "adjusted_price_usd")
