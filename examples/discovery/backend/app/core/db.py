"""Connections to the database, one for each request, which see one engagement of one client."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.rows import DictRow, dict_row

from app.core import faults
from app.core.config import get_settings

Connection = psycopg.Connection[DictRow]


@dataclass(frozen=True)
class Tenant:
    client_account_id: UUID
    engagement_id: UUID


def connect() -> Connection:
    settings = get_settings()
    url = settings.migrations_url if faults.is_on("api_ignores_tenant") else settings.database_url
    return psycopg.connect(url, connect_timeout=5, row_factory=dict_row)


@contextmanager
def transaction(tenant: Tenant) -> Iterator[Connection]:
    """One transaction, in which the policies of the database let through what is the tenant's."""
    with connect() as connection:
        connection.execute(
            "select set_config('app.client_account_id', %s, true), set_config('app.engagement_id', %s, true)",
            (str(tenant.client_account_id), str(tenant.engagement_id)),
        )
        yield connection


def one(connection: Connection, query: str, values: Any = None) -> dict[str, Any] | None:
    return connection.execute(query, values).fetchone()


def exists(table: str, key: object) -> bool:
    """Whether a row is there at all, whoever it belongs to."""
    with psycopg.connect(get_settings().migrations_url, connect_timeout=5) as connection:
        query = sql.SQL("select from {} where id = %s").format(sql.Identifier(table))
        return connection.execute(query, [key]).fetchone() is not None
