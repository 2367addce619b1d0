"""Small Alembic projects, clean and with one fault each, and databases that they have migrated."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

INI = """[alembic]
script_location = %(here)s/migrations
prepend_sys_path = %(here)s
path_separator = os
"""
ENV = """import os
from alembic import context
from sqlalchemy import NullPool, create_engine, make_url
from models import Base

url = make_url(os.environ["SHOP_URL"]).set(drivername="postgresql+psycopg")
with create_engine(url, poolclass=NullPool).connect() as connection:
    context.configure(connection=connection, target_metadata=Base.metadata)
    with context.begin_transaction():
        context.run_migrations()
"""
MODELS = """from decimal import Decimal
from sqlalchemy import ForeignKey, Identity, Index, Numeric, String, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Seller(Base):
    __tablename__ = "sellers"
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)


class Listing(Base):
    __tablename__ = "listings"
    __table_args__ = (Index("ix_listings_quality", "quality"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    seller_id: Mapped[int] = mapped_column(ForeignKey("sellers.id", ondelete="CASCADE"), index=True)
    title: Mapped[str] = mapped_column(String(200))
    price_usd: Mapped[Decimal | None] = mapped_column(Numeric(12, 2))
    quality: Mapped[str] = mapped_column(String(20), server_default="full")
    missing_fields: Mapped[list | None] = mapped_column(JSONB, server_default=text("'[]'"))
"""
FIRST = '''"""Sellers and listings."""
import sqlalchemy as sa
from alembic import op

revision, down_revision = "0001", None


def upgrade():
    op.create_table(
        "sellers",
        sa.Column("id", sa.Integer, sa.Identity(), primary_key=True),
        sa.Column("name", sa.String(80), nullable=False, unique=True),
    )
    op.create_table(
        "listings",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("seller_id", sa.Integer, sa.ForeignKey("sellers.id", ondelete="CASCADE"), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("price_usd", sa.Numeric(12, 2), nullable=False),
    )
    op.create_index("ix_listings_seller_id", "listings", ["seller_id"])


def downgrade():
    op.drop_table("listings")
    op.drop_table("sellers")
'''
SECOND = '''"""Listings without a price."""
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision, down_revision = "0002", "0001"


def upgrade():
    op.alter_column("listings", "price_usd", nullable=True)
    op.add_column("listings", sa.Column("quality", sa.String(20), nullable=False, server_default="full"))
    op.add_column("listings", sa.Column("missing_fields", JSONB, server_default=sa.text("'[]'")))
    with op.get_context().autocommit_block():
        op.create_index("ix_listings_quality", "listings", ["quality"], postgresql_concurrently=True)


def downgrade():
    op.drop_index("ix_listings_quality", "listings")
    op.execute("delete from listings where price_usd is null")
    op.drop_column("listings", "missing_fields")
    op.drop_column("listings", "quality")
    op.alter_column("listings", "price_usd", nullable=False)
'''
PARAMETERS = """integration: shop
blueprints: [partial_import]
environment: development
database: {url_env: SHOP_AUDIT_URL}
resources:
  listing: {table: listings, key: id}
migrations:
  config: backend/alembic.ini
  url_env: SHOP_URL
  rows: 1600
  insert_milliseconds: 1000
  downgrades: {"0002": {deletes: {listings: price_usd is null}}}
"""


@dataclass(frozen=True)
class Shop:
    """A project, the database that it has migrated, and the parameter file of both."""

    folder: Path
    parameters: Path
    url: str
    server_url: str

    @property
    def environment(self) -> dict[str, str]:
        """The variables of an audit whose scratch databases are made on the tests' server, which is there already."""
        return {"SHOP_AUDIT_URL": self.url, "DSAUDIT_POSTGRES_URL": self.server_url}

    @property
    def backend(self) -> Path:
        return self.folder / "backend"

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace a text in a file of the project, or in the parameter file; it has to be there."""
        path = self.parameters if name == "parameters" else self.backend / name
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{name} has no {old!r}"
        path.write_text(text.replace(old, new), encoding="utf-8")

    def edit_first(self, old: str, new: str) -> None:
        self.edit("migrations/versions/0001.py", old, new)

    def edit_second(self, old: str, new: str) -> None:
        self.edit("migrations/versions/0002.py", old, new)

    def add(self, name: str, text: str) -> None:
        (self.backend / name).write_text(text, encoding="utf-8")

    def execute(self, *statements: str) -> None:
        """Run statements in the audited database."""
        with psycopg.connect(self.url) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def migrate(self, to: str = "head") -> None:
        """Apply the project's revisions to the audited database, as its owner does."""
        environment = {**os.environ, "SHOP_URL": self.url, "PYTHONDONTWRITEBYTECODE": "1"}
        subprocess.run(
            [sys.executable, "-m", "alembic", "upgrade", to],
            cwd=self.backend, env=environment, check=True,
        )  # fmt: skip


def written(folder: Path) -> None:
    """Write the clean project and its parameter file."""
    files = {
        "backend/alembic.ini": INI,
        "backend/models.py": MODELS,
        "backend/migrations/env.py": ENV,
        "backend/migrations/versions/0001.py": FIRST,
        "backend/migrations/versions/0002.py": SECOND,
        "parameters/shop.yml": PARAMETERS,
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (folder / "notebooks").mkdir(exist_ok=True)


@contextmanager
def running(server_url: str, folder: Path, like: Shop | None = None) -> Iterator[Shop]:
    """Make a shop with an empty database on the server, or one like another's, and drop it afterwards."""
    name = f"shop_{secrets.token_hex(4)}"
    written(folder)
    with psycopg.connect(server_url, autocommit=True) as connection:
        template = f" template {like.url.rpartition('/')[2]}" if like else ""
        connection.execute(f"create database {name}{template}".encode())
    try:
        yield Shop(folder, folder / "parameters" / "shop.yml", f"{server_url.rsplit('/', 1)[0]}/{name}", server_url)
    finally:
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute(f"drop database {name} with (force)".encode())
