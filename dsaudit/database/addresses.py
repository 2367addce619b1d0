"""Where a database is, out of the environment, and with which limits it is connected to."""

from __future__ import annotations

import socket
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url

from dsaudit.database.errors import DatabaseError
from dsaudit.parameters.database import Database as Settings
from dsaudit.parameters.secret import SecretMissing, from_environment


def audited_url(settings: Settings) -> URL:
    """Return the URL of the audited database.

    Raises
    ------
    DatabaseError
        The variable is unset, no URL, or leads to something other than PostgreSQL.
    """
    url = given_url(settings.url_env)
    if not is_postgres(url):
        raise DatabaseError(f"{settings.url_env}: {url.get_backend_name()} is not PostgreSQL")
    return url.set(drivername="postgresql+psycopg")


def given_url(url_env: str) -> URL:
    """Return the URL that an environment variable holds."""
    try:
        return make_url(from_environment(url_env).reveal())
    except SecretMissing as error:
        raise DatabaseError(str(error)) from None
    except (sa.exc.ArgumentError, ValueError):
        raise DatabaseError(f"{url_env} is no URL such as postgresql://user:password@host/database") from None


def is_postgres(url: URL) -> bool:
    """Return whether a URL leads to PostgreSQL."""
    return url.get_backend_name() in ("postgresql", "postgres")


def for_libpq(url: URL) -> str:
    """Return a URL as libpq reads it, with the limits that `arguments_for` gives to psycopg."""
    arguments = {"application_name": "dsaudit", **url.query, "connect_timeout": "10", "keepalives_idle": "10"}
    return url.set(drivername="postgresql").update_query_dict(arguments).render_as_string(hide_password=False)


def arguments_for(name: str) -> dict[str, Any]:
    """Return what psycopg is connected with: the name in the server's list, and limits for a dead line."""
    # Prepared from the first time on, a query goes through the extended protocol, which takes one statement only.
    arguments: dict[str, Any] = {"application_name": name, "connect_timeout": 10, "prepare_threshold": 0}
    arguments["keepalives_idle"] = 10
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        arguments["tcp_user_timeout"] = 30_000  # milliseconds
    return arguments
