"""The scratch database that the project migrates, with copies of it to come back to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import psycopg

from dsaudit import scratch
from dsaudit.migrating import schema
from dsaudit.migrating.schema import Part
from dsaudit.scratch import Scratch
from dsaudit.scratch.model import quoted
from dsaudit.scratch.reflection import reflected

_SPACES = """
select n.nspname from pg_catalog.pg_namespace as n
where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' order by 1
"""
_ENDED = "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s and pid <> pg_backend_pid()"


@dataclass(frozen=True)
class Stage:
    """The database that the project sees, always under one name, and the copies that were kept of it."""

    empty: Scratch
    kept: set[str]
    versions: str = "alembic_version"

    @property
    def name(self) -> str:
        """The database's name."""
        return urlsplit(self.empty.url).path[1:]

    def keep(self, label: str) -> None:
        """Keep a copy as it is now, in the place of an earlier one of this label."""
        self._copy(self.name, f"{self.name}_{label}")
        self.kept.add(label)

    def restore(self, label: str) -> None:
        """Make the database what it was when a copy was kept; the copy stays."""
        self._copy(f"{self.name}_{label}", self.name)
        self._let_in()

    def take(self, label: str) -> None:
        """Make the database what it was when a copy was kept, which is used up: sooner done than to copy it."""
        with self._beside() as connection:
            for one in (self.name, f"{self.name}_{label}"):
                connection.execute(_ENDED, [one])
            connection.execute(f"drop database if exists {quoted(self.name)} with (force)".encode())
            moved = f"alter database {quoted(f'{self.name}_{label}')} rename to {quoted(self.name)}"
            connection.execute(moved.encode())
        self.kept.discard(label)
        self._let_in()

    def renew(self) -> None:
        """Make the database an empty one."""
        self._copy("template0", self.name, " encoding 'UTF8'")
        self._let_in()

    def secure(self) -> Scratch:
        """Let the worker use what is there now, and return it with all its tables."""
        spaces = self._let_in()
        with self.owner() as connection:
            found = reflected(connection, spaces)
        own = {name: table for name, table in found.items() if table.name != self.versions}
        return Scratch(self.empty.url, self.empty.worker_url, self.empty.version, own, [])

    def _let_in(self) -> list[str]:
        """Let the worker use what is there now, and return the names of the schemas."""
        with self.owner() as connection:
            spaces = [str(name) for (name,) in connection.execute(_SPACES).fetchall()]
            scratch.secure(connection, spaces)
        return spaces

    def owner(self) -> psycopg.Connection[Any]:
        """Connect as the owner, outside of transactions."""
        return psycopg.connect(self.empty.url, autocommit=True, application_name="dsaudit/scratch")

    def described(self) -> dict[Part, str]:
        """Return what the schemas are made of now."""
        with self.owner() as connection:
            return schema.described(connection, self.versions)

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of one query, as the owner."""
        with self.owner() as connection:
            return connection.execute(query.encode(), values or None).fetchall()

    def _copy(self, origin: str, name: str, more: str = "") -> None:
        with self._beside() as connection:
            for one in (origin, name):
                connection.execute(_ENDED, [one])
            connection.execute(f"drop database if exists {quoted(name)} with (force)".encode())
            # So many small databases are copied sooner as files than through the log.
            how = " strategy file_copy" if self.empty.version >= 150_000 else ""
            connection.execute(f"create database {quoted(name)} template {quoted(origin)}{how}{more}".encode())

    def _beside(self) -> psycopg.Connection[Any]:
        url = urlsplit(self.empty.url)._replace(path="/postgres").geturl()
        return psycopg.connect(url, autocommit=True, application_name="dsaudit/scratch")

    def clear(self) -> None:
        """Drop the copies."""
        with self._beside() as connection:
            for label in self.kept:
                connection.execute(f"drop database if exists {quoted(f'{self.name}_{label}')} with (force)".encode())


@contextmanager
def staged(url: str, schemas: Sequence[str], roles: Sequence[str]) -> Iterator[Stage]:
    """Yield an empty database for a project, and drop it with its copies afterwards.

    Raises
    ------
    ScratchError
        See `dsaudit.scratch.empty`.
    """
    with scratch.empty(url, schemas, roles) as made:
        stage = Stage(made, set())
        try:
            yield stage
        finally:
            stage.clear()
