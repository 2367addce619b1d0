"""The only place that connects to the audited database: read only, one instant, bounded in time.

Every query runs in a short transaction of its own that imports the run's snapshot. A long transaction would hold
its locks to the end, and a schema change that waits for them holds up everybody behind it.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import adbc_driver_postgresql.dbapi as adbc
import pandas as pd
import psycopg
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from dsaudit.database.addresses import arguments_for, audited_url, for_libpq
from dsaudit.database.catalogue import COLUMNS, REWRITTEN, TableInfo
from dsaudit.database.errors import (
    DatabaseError,
    QueryError,
    SnapshotLost,
    first_line,
    query_error,
    stream_error,
)
from dsaudit.parameters.models import Database as Settings

MOST_ROWS = 100_000  # rows of a result that are kept; beyond that they are counted


PATIENCE = 5.0  # seconds that a server may outlive its own time limit before the connection is cut

_LIMITS = {
    "statement_timeout": "60000",  # milliseconds, like the next
    "lock_timeout": "500",
    # Off means: an error where a policy would hide rows, instead of fewer rows and no word of it.
    "row_security": "off",
    "search_path": "pg_catalog",
    "timezone": "UTC",
    "max_parallel_workers_per_gather": "0",
}


@dataclass(frozen=True)
class Answer:
    """The rows of a query, and how many there are in truth where not all were kept."""

    frame: pd.DataFrame
    total: int


class Database:
    """A reader of the audited database at one instant."""

    def __init__(self, engine: Engine, settings: Settings, snapshot: str | None = None) -> None:
        self._engine = engine
        self.settings = settings
        self.snapshot = snapshot
        self._catalogue: dict[tuple[str, str], TableInfo] | None = None

    @classmethod
    def open(cls, settings: Settings, snapshot: str | None = None, name: str = "dsaudit") -> Self:
        """Connect once to see that it works, and return the reader.

        Raises
        ------
        DatabaseError
            The variable is unset, the URL is no URL, or the server refuses.
        """
        engine = sa.create_engine(
            audited_url(settings), connect_args=arguments_for(name), pool_size=2, max_overflow=4, pool_pre_ping=False
        )
        database = cls(engine, settings, snapshot)
        try:
            with engine.connect():
                return database
        except sa.exc.DBAPIError as error:
            engine.dispose()
            raise DatabaseError(f"{settings.url_env}: {first_line(error.orig)}") from None

    def now(self) -> Self:
        """Return a reader of the same database as it is, not at the run's instant; it ends with this one."""
        return type(self)(self._engine, self.settings)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    @contextlib.contextmanager
    def transaction(self, limit: float | None = None) -> Iterator[Connection]:
        """Open one short read-only transaction at the run's instant, watched from this side as well."""
        seconds = limit or self.settings.statement_timeout
        options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with self._engine.connect().execution_options(**options) as connection:
            with _watched(connection, seconds + PATIENCE):
                self._prepare(connection, seconds)
                yield connection
            connection.rollback()

    def _prepare(self, connection: Connection, seconds: float) -> None:
        if self.snapshot:
            try:
                connection.exec_driver_sql(f"set transaction snapshot '{_checked_snapshot(self.snapshot)}'")
            except sa.exc.DBAPIError as error:
                raise SnapshotLost(
                    f"the run's snapshot is gone; it was cut off, or became older than database.snapshot_age "
                    f"({self.settings.snapshot_age} s): {first_line(error.orig)}"
                ) from None
        # One select for all: the first query of a transaction also ends the time in which it could be made read-write.
        _set(connection, {**_LIMITS, "statement_timeout": f"{seconds * 1000:.0f}"})

    def query(
        self,
        sql: str,
        values: Mapping[str, Any] | None = None,
        tables: Sequence[int] = (),
        most: int | None = MOST_ROWS,
    ) -> Answer:
        """Run one select at the run's instant and return its rows; see `queries`."""
        return self.queries([sql], values, tables, most)[0]

    def queries(
        self,
        sqls: Sequence[str],
        values: Mapping[str, Any] | None = None,
        tables: Sequence[int] = (),
        most: int | None = MOST_ROWS,
        planner: Mapping[str, str] | None = None,
    ) -> list[Answer]:
        """Run selects in one short transaction at the run's instant and return the rows of each.

        Parameters
        ----------
        sqls
            Selects that share `values`, which they name as ``%(name)s``.
        tables
            Object ids of the tables that they read; one that was rewritten since the snapshot was taken (TRUNCATE,
            some ALTER TABLE) looks empty to an older snapshot, without any error.
        most
            Rows of each that are kept, None for all; beyond it they are counted.
        planner
            Settings of PostgreSQL's planner for these queries alone.

        Raises
        ------
        QueryError
            PostgreSQL refused one; `TimeLimit` where it took too long, `SnapshotLost` where the instant is gone.
        """
        _refuse_others(sqls)
        try:
            with self.transaction() as connection:
                _set(connection, planner or {})
                answers = [_fetch(connection, sql, values or {}, most) for sql in sqls]
                self._refuse_rewritten(connection, list(tables))
                return answers
        except sa.exc.DBAPIError as error:
            raise query_error(error) from None

    def _refuse_rewritten(self, connection: Connection, tables: list[int]) -> None:
        rewritten = list(connection.exec_driver_sql(REWRITTEN, {"tables": tables}).scalars()) if tables else []
        if rewritten:
            raise SnapshotLost(
                f"{rewritten[0]} was truncated or rewritten after the run's instant; its rows are out of sight"
            )

    @contextlib.contextmanager
    def stream(self, sql: str) -> Iterator[Any]:
        """Yield the rows of one select at the run's instant as an Arrow stream, over a connection of its own.

        What breaks while the stream is read is raised by its reader, in words of its own.

        Raises
        ------
        QueryError
            PostgreSQL refused it; `ShortRead` where there was no connection, `SnapshotLost` where the instant is gone.
        """
        _refuse_others([sql])
        limits = {**_LIMITS, "statement_timeout": f"{self.settings.statement_timeout * 1000:.0f}"}
        begin = ["begin isolation level repeatable read read only"]
        begin += [f"set transaction snapshot '{_checked_snapshot(self.snapshot)}'"] if self.snapshot else []
        begin += [f"set local {name} = '{value}'" for name, value in limits.items()]
        try:
            with (
                adbc.connect(for_libpq(self._engine.url), autocommit=True) as connection,
                connection.cursor() as cursor,
            ):
                for statement in begin:
                    cursor.execute(statement)
                cursor.execute(sql)
                yield cursor.fetch_arrow()
        except adbc.Error as error:
            raise stream_error(error) from None

    def explain(
        self, sql: str, values: Sequence[Mapping[str, Any]], run: bool = False, scans: bool = True
    ) -> list[dict[str, Any]]:
        """Return PostgreSQL's plan of one select for each of `values`, as EXPLAIN tells it in JSON.

        Parameters
        ----------
        run
            Execute it too, so that the plan says how long the server took (``Execution Time``, milliseconds).
        scans
            False prices sequential scans out, so that a small table too tells whether an index could serve.

        Raises
        ------
        QueryError
            PostgreSQL refused it; `TimeLimit` where it took too long, `SnapshotLost` where the instant is gone.
        """
        options = "analyze, timing off, format json" if run else "format json"
        try:
            with self.transaction() as connection:
                if not scans:
                    connection.exec_driver_sql("set local enable_seqscan = off")
                plans = (
                    connection.exec_driver_sql(f"explain ({options}) {sql}", {**one, "dsaudit": True}).scalar_one()
                    for one in values
                )
                return [plan[0] for plan in plans]
        except sa.exc.DBAPIError as error:
            raise query_error(error) from None

    def catalogue(self) -> dict[tuple[str, str], TableInfo]:
        """Return the tables that there are, by schema and name; read once."""
        if self._catalogue is None:
            found: dict[tuple[str, str], TableInfo] = {}
            for row in self.query(COLUMNS, most=None).frame.to_dict("records"):
                key = (row["schema"], row["table"])
                found.setdefault(key, TableInfo(*key, row["oid"], {})).columns[row["column"]] = row["type"]
            self._catalogue = found
        return self._catalogue

    def merged(self, sql: str, values: Mapping[str, Any]) -> str:
        """Return `sql` with its values in place, to be pasted into psql."""
        used = {name: value for name, value in values.items() if f"%({name})s" in sql}
        try:
            with self._engine.connect() as connection:
                driver: Any = connection.connection.driver_connection
                return psycopg.ClientCursor(driver).mogrify(sql, used) if used else sql
        except sa.exc.DBAPIError as error:
            raise query_error(error) from None

    @contextlib.contextmanager
    def held_snapshot(self) -> Iterator[str]:
        """Hold one instant open and yield its name; the holder touches no table, and is cut off at `snapshot_age`.

        An old snapshot keeps vacuum from cleaning up, in every database of the server.
        """
        options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with (
            self._engine.connect().execution_options(**options) as connection,
            _watched(connection, self.settings.snapshot_age),
        ):
            # The holder waits idle for as long as the phases take: no idle limit may end it.
            connection.exec_driver_sql("set local idle_in_transaction_session_timeout = 0")
            yield str(connection.exec_driver_sql("select pg_export_snapshot()").scalar_one())
            # If the holder was cut off, the checks that came after it have said so.
            with contextlib.suppress(sa.exc.DBAPIError):
                connection.rollback()


def _set(connection: Connection, settings: Mapping[str, str]) -> None:
    if settings:
        calls = ", ".join(f"pg_catalog.set_config('{name}', %({name})s, true)" for name in settings)
        connection.exec_driver_sql(f"select {calls}", dict(settings))


def _refuse_others(sqls: Sequence[str]) -> None:
    if not all(_IS_SELECT.match(sql) for sql in sqls):
        raise QueryError("only a select is run here")


_IS_SELECT = re.compile(r"(\s|--[^\n]*\n)*(select|with)\b", re.IGNORECASE)


@contextlib.contextmanager
def _watched(connection: Connection, seconds: float) -> Iterator[None]:
    """Cut the connection when a stalled server outlives its own time limit; its own limit cannot help then."""
    handle = os.dup(connection.connection.driver_connection.fileno())  # type: ignore[union-attr]
    line = socket.socket(fileno=handle)
    timer = threading.Timer(seconds, _cut, [line])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        line.close()


def _cut(line: socket.socket) -> None:
    with contextlib.suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)


def _checked_snapshot(name: str) -> str:
    if not all(part.isalnum() for part in name.split("-")):
        raise SnapshotLost(f"{name!r} is no name of a snapshot")
    return name


def _fetch(connection: Connection, sql: str, values: Mapping[str, Any], most: int | None) -> Answer:
    result = connection.exec_driver_sql(sql, dict(values))
    columns = list(result.keys())
    rows = result.fetchall() if most is None else result.fetchmany(most + 1)
    frame = pd.DataFrame([tuple(row) for row in rows[:most]], columns=columns, dtype=object)
    if most is None or len(rows) <= most:
        return Answer(frame, len(rows))
    result.close()
    total = connection.exec_driver_sql(f"select count(*) from ({sql}) as all_rows", dict(values)).scalar_one()
    return Answer(frame, total)
