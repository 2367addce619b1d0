"""Reads the tables of another SQL database, streamed in one read-only transaction for each list."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from psycopg.sql import Identifier
from sqlalchemy.engine import Connection

from dsaudit.database import DatabaseError, QueryError, source_transaction
from dsaudit.parameters import Parameters, Resource, Tenant
from dsaudit.parameters.keys import named_parts
from dsaudit.source.exact import json_of
from dsaudit.source.paging import Listing
from dsaudit.source.reading import Page, Position, Record, SourceError, record_of, the_record

A_PAGE = 1000  # rows that are taken at once
_IS_SELECT = re.compile(r"(\s|--[^\n]*\n)*(select|with)\b", re.IGNORECASE)

# PostgreSQL writes its rows as JSON itself: decimals with every digit, instants in UTC, documents as they are.
AS_JSON = """
select pg_catalog.row_to_json(one)::text
from (
{select}
) as one
"""
NO_ROWS = """
select *
from (
{select}
) as one
limit 0
"""
BPCHAR = 1042  # the type char(n) in PostgreSQL's catalogue
COUNTED = """
select count(*)
from (
{select}
) one
"""


@dataclass
class Tables:
    """Reads what one tenant has in another SQL database."""

    url_env: str
    seconds: float  # limit of a statement
    values: dict[str, Any]  # what a select may bind

    @classmethod
    def of(cls, parameters: Parameters, tenant: Tenant) -> Tables:
        """Return the reader of one tenant's rows."""
        assert parameters.source is not None
        values = {"account": tenant.account or tenant.name, "tenant": tenant.id}
        return cls(parameters.source.url_env or "", parameters.database.statement_timeout, values)

    def close(self) -> None:
        """Do nothing: every list has a connection of its own."""

    def facts(self) -> dict[str, Any]:
        """Return what the index keeps of the reading: nothing beyond the lists."""
        return {}

    def resume_at(self, page: Page) -> Position | None:
        """Return where a reading that breaks off can go on: nowhere, its instant is gone."""
        return None

    @property
    def rereads(self) -> bool:
        """Whether it goes on there with the last page once more: it goes on nowhere."""
        return False

    def probe(self, resource: Resource | None) -> None:
        """Connect.

        Raises
        ------
        SourceError
            The database cannot be reached.
        """
        try:
            with source_transaction(self.url_env, self.seconds):
                return
        except (DatabaseError, QueryError) as error:
            raise SourceError(str(error)) from None

    def pages(
        self, listing: Listing, position: Position | None = None, number: int = 0, before: Record | None = None
    ) -> Iterator[Page]:
        """Yield the rows of a table or select, and last how many the same instant counts.

        Raises
        ------
        SourceError
            The database cannot be read, the select is none, or names two columns alike.
        """
        try:
            with source_transaction(self.url_env, self.seconds) as connection:
                select = _select(connection, listing.path)
                given = {"since": listing.since} if listing.since else {}
                for records in self._records(connection, select, given):
                    yield Page(records)
                counted = connection.execute(self._statement(COUNTED.replace("{select}", select), given)).scalar_one()
                yield Page([], total=int(counted))
        except (DatabaseError, QueryError) as error:
            raise SourceError(f"{_named(listing.path)}: {error}") from None

    def count(self, resource: Resource) -> int | None:
        """Return the number that the select `count` gives, None where none is declared.

        Raises
        ------
        SourceError
            The database refuses it, or it gives something else than one number.
        """
        if not resource.count:
            return None
        try:
            with source_transaction(self.url_env, self.seconds) as connection:
                statement = self._statement(_select(connection, resource.count))
                rows = [tuple(row) for row in connection.execute(statement)]
        except (DatabaseError, QueryError) as error:
            raise SourceError(f"{_named(resource.count)}: {error}") from None
        if len(rows) != 1 or len(rows[0]) != 1 or not isinstance(rows[0][0], int):
            raise SourceError(f"{_named(resource.count)}: expected one number, found {len(rows)} rows")
        return rows[0][0]

    def one(self, resource: Resource, source_id: str) -> Record | None:
        """Return the row that the select `one` gives, None where it gives none.

        Raises
        ------
        SourceError
            The database refuses it, or it gives several rows, or another one.
        """
        parts = named_parts(resource, source_id)
        if parts is None:
            return None  # an id that the source cannot have given
        where = "the select of one record"
        try:
            with source_transaction(self.url_env, self.seconds) as connection:
                select = _select(connection, resource.one or "")
                found = [record for records in self._records(connection, select, parts) for record in records]
        except (DatabaseError, QueryError) as error:
            raise SourceError(f"{where}: {error}") from None
        if len(found) > 1:
            raise SourceError(f"{where}: gives {len(found)} rows")
        return the_record(found[0], resource, source_id, where) if found else None

    def extra(self, path: str) -> list[Any]:
        """Return nothing: a database has no scopes and no subscriptions."""
        return []

    def _records(
        self, connection: Connection, select: str, more: Mapping[str, Any] | None = None
    ) -> Iterator[list[Record]]:
        is_postgres = connection.dialect.name == "postgresql"
        select = self._unpadded(connection, select, more) if is_postgres else select
        sql = AS_JSON.replace("{select}", select) if is_postgres else select
        statement = self._statement(sql, more).execution_options(stream_results=True, yield_per=A_PAGE)
        with connection.execute(statement) as result:
            names = list(result.keys())
            if len(set(names)) < len(names):
                raise SourceError("the select gives two columns of one name")
            for rows in result.partitions(A_PAGE):
                texts = (row[0] if is_postgres else json_of(dict(zip(names, row, strict=True))) for row in rows)
                yield [record_of(text, "a row") for text in texts]

    def _unpadded(self, connection: Connection, select: str, more: Mapping[str, Any] | None) -> str:
        """Return a select whose values of type ``char(n)`` have no padding, which says nothing in PostgreSQL."""
        with connection.execute(self._statement(NO_ROWS.replace("{select}", select), more)) as nothing:
            columns = [(name, code == BPCHAR) for name, code, *_ in nothing.cursor.description]
        if not any(is_padded for _, is_padded in columns):
            return select
        named = [(Identifier(name).as_string().replace(":", "\\:"), is_padded) for name, is_padded in columns]
        listed = ", ".join(f"{name}::text as {name}" if is_padded else name for name, is_padded in named)
        return f"select {listed}\nfrom (\n{select}\n) as padded"

    def _statement(self, sql: str, more: Mapping[str, Any] | None = None) -> sa.TextClause:
        statement, values = sa.text(sql), {**self.values, **(more or {})}
        bound = set(statement.compile().params)
        if unknown := sorted(bound - set(values)):
            raise SourceError(
                f"the select binds :{unknown[0]}, and only :account and :tenant are given; a colon is written \\:"
            )
        return statement.bindparams(**{name: values[name] for name in bound})


def _select(connection: Connection, declared: str) -> str:
    """Return the select that is declared, or the one of a declared table."""
    if _IS_SELECT.match(declared):
        return declared.strip().removesuffix(";")
    schema, _, name = declared.rpartition(".")
    table = connection.dialect.identifier_preparer.format_table(sa.table(name, schema=schema or None))
    return "select * from " + table.replace(":", "\\:")


def _named(declared: str) -> str:
    """Return a table's name; a select may hold what no message should."""
    return "the select" if _IS_SELECT.match(declared) else declared
