"""The other database: where the source of an audit is one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from dsaudit.database.addresses import arguments_for, given_url, is_postgres
from dsaudit.database.errors import DatabaseError, first_line, query_error
from dsaudit.database.transaction import FORMS


@contextlib.contextmanager
def source_transaction(url_env: str, seconds: float) -> Iterator[Connection]:
    """Open one read-only transaction on another SQL database, the source; PostgreSQL reads one instant in it.

    `seconds` limit a statement, of a streamed one each fetch.

    Raises
    ------
    DatabaseError, QueryError
        The variable is unset or no URL, its driver is not installed, the server refuses, or the connection breaks.
    """
    url = given_url(url_env)
    options: dict[str, Any] = {}
    arguments: dict[str, Any] = {}
    if is_postgres(url):
        url, arguments = url.set(drivername="postgresql+psycopg"), arguments_for("dsaudit/source")
        options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    try:
        engine = sa.create_engine(url, poolclass=sa.NullPool, connect_args=arguments)
        opened = engine.connect()
    except (sa.exc.NoSuchModuleError, ImportError):
        raise DatabaseError(f"{url_env}: no driver for {url.drivername} is installed") from None
    except sa.exc.DBAPIError as error:
        raise DatabaseError(f"{url_env}: {first_line(error.orig)}") from None
    try:
        with opened.execution_options(**options) as connection:
            for statement in _AT_FIRST.get(engine.dialect.name, ()):
                connection.exec_driver_sql(statement.format(milliseconds=f"{seconds * 1000:.0f}"))
            yield connection
            connection.rollback()
    except sa.exc.DBAPIError as error:
        raise query_error(error) from None


# What makes a transaction read only where SQLAlchemy has no option for it, and what an error is better than.
_AT_FIRST = {
    "postgresql": (
        "set local row_security = off",
        "set local statement_timeout = {milliseconds}",
        *(f"set local {name} = '{value}'" for name, value in FORMS.items()),
    ),
    "sqlite": ("pragma query_only = on",),
    "mysql": ("start transaction read only",),
    "mariadb": ("start transaction read only",),
    "oracle": ("set transaction read only",),
}
