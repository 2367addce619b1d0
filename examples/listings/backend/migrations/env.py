"""Runs the migrations against LISTINGS_MIGRATIONS_URL, each in a transaction of its own; with --sql it prints them."""

import os

from alembic import context
from app.models import Base
from sqlalchemy import NullPool, create_engine, make_url

# Each lets go of its locks before the next one begins.
OPTIONS = {"target_metadata": Base.metadata, "compare_server_default": True, "transaction_per_migration": True}


def write_script() -> None:
    context.configure(dialect_name="postgresql", **OPTIONS)
    with context.begin_transaction():
        context.run_migrations()


def run() -> None:
    url = make_url(os.environ["LISTINGS_MIGRATIONS_URL"]).set(drivername="postgresql+psycopg")
    with create_engine(url, poolclass=NullPool).connect() as connection:
        context.configure(connection=connection, **OPTIONS)
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    write_script()
else:
    run()
