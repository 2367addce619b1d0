"""How much memory and storage a listed computer has."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.add_column("listings", sa.Column("ram_gb", sa.Integer))
    op.add_column("listings", sa.Column("storage_gb", sa.Integer))


def downgrade() -> None:
    op.drop_column("listings", "storage_gb")
    op.drop_column("listings", "ram_gb")
