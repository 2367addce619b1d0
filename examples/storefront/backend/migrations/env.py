"""Runs the migrations against DATABASE_URL, in one transaction; with --sql it prints them instead."""

import os

from alembic import command, context
from app.models.naming import NAMING
from sqlalchemy import MetaData, NullPool, create_engine, make_url


def target_metadata() -> MetaData:
    """The models for a comparison; an upgrade needs the names of constraints alone, and starts much sooner."""
    options = context.config.cmd_opts
    if options is not None and options.cmd[0] is command.upgrade:
        return MetaData(naming_convention=NAMING)
    from app.models.shopify import Integration

    return Integration.metadata


def write_script() -> None:
    context.configure(dialect_name="postgresql", target_metadata=target_metadata())
    with context.begin_transaction():
        context.run_migrations()


def run() -> None:
    url = make_url(os.environ["DATABASE_URL"]).set(drivername="postgresql+psycopg")
    with create_engine(url, poolclass=NullPool).connect() as connection:
        context.configure(connection=connection, target_metadata=target_metadata(), compare_server_default=True)
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    write_script()
else:
    run()
