"""The only place that connects to the audited database: read only, one instant, bounded in time.

Every query runs in a short transaction of its own that imports the run's snapshot. A long transaction would hold
its locks to the end, and a schema change that waits for them holds up everybody behind it.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import pandas as pd
import psycopg
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from dsaudit.database.addresses import arguments_for, audited_url, for_libpq
from dsaudit.database.catalogue import CHANGED, COLUMNS, TableInfo
from dsaudit.database.errors import (
    DatabaseError,
    QueryError,
    SnapshotLost,
    first_line,
    query_error,
    stream_error,
)
from dsaudit.database.times import read_far_times_as_none
from dsaudit.database.transaction import FORMS, LIMITS, Transaction, answers, checked, held_snapshot, refuse_changed, transaction
from dsaudit.parameters.models import Database as Settings

LONGEST_START = 30.0  # seconds that a server may take to answer first; of these ten to take the connection
MOST_ROWS = 100_000  # rows of a result that are kept; beyond that they are counted


@dataclass(frozen=True)
class Answer:
    """The rows of a query, and how many there are in truth where not all were kept."""

    columns: list[str]
    rows: list[tuple[Any, ...]]
    total: int

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The rows as a frame; made when it is asked for, as most queries of an audit find none."""
        return pd.DataFrame(self.rows, columns=self.columns, dtype=object)

    @property
    def records(self) -> list[dict[str, Any]]:
        """The rows as dictionaries, without the cost of a frame."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


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
        sa.event.listen(engine, "connect", read_far_times_as_none)
        database = cls(engine, settings, snapshot)
        try:
            if answers(engine, LONGEST_START):
                return database
        except sa.exc.DBAPIError as error:
            engine.dispose()
            raise DatabaseError(f"{settings.url_env}: {first_line(error.orig)}") from None
        raise DatabaseError(f"{settings.url_env}: the server takes the connection and does not answer")

    def now(self) -> Self:
        """Return a reader of the same database as it is, not at the run's instant; it ends with this one."""
        return type(self)(self._engine, self.settings)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def transaction(self) -> AbstractContextManager[Transaction]:
        """Open one short read-only transaction at the run's instant, watched from this side as well."""
        return transaction(self._engine, self.settings.statement_timeout, self.snapshot, self.settings.snapshot_age)

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
        values: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
        tables: Sequence[int] = (),
        most: int | None = MOST_ROWS,
        planner: Mapping[str, str] | None = None,
    ) -> list[Answer]:
        """Run selects in one short transaction at the run's instant and return the rows of each.

        Parameters
        ----------
        sqls
            Selects; values are named as ``%(name)s``.
        values
            Shared by all, or one mapping for each.
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
            with self.transaction() as one:
                one.set(planner or {})
                bound = [values or {}] * len(sqls) if values is None or isinstance(values, Mapping) else values
                answers = [_fetch(one, sql, given, most) for sql, given in zip(sqls, bound, strict=True)]
                return answers
        except sa.exc.DBAPIError as error:
            raise query_error(error) from None

    @contextlib.contextmanager
    def stream(self, sql: str) -> Iterator[Any]:
        """Yield the rows of one select at the run's instant as an Arrow stream, over a connection of its own.

        What breaks while the stream is read is raised by its reader, in words of its own.

        Raises
        ------
        QueryError
            PostgreSQL refused it; `ShortRead` where there was no connection, `SnapshotLost` where the instant is gone.
        """
        import adbc_driver_postgresql.dbapi as adbc  # slow to import, and few commands stream
        import duckdb

        _refuse_others([sql])
        settings = {**LIMITS, **FORMS, "statement_timeout": f"{self.settings.statement_timeout * 1000:.0f}"}
        begin = ["begin isolation level repeatable read read only"]
        begin += [f"set transaction snapshot '{checked(self.snapshot)}'"] if self.snapshot else []
        begin += [f"set local {name} = '{value}'" for name, value in settings.items()]
        try:
            with (
                adbc.connect(for_libpq(self._engine.url), autocommit=True) as connection,
                connection.cursor() as cursor,
            ):
                for statement in begin:
                    cursor.execute(statement)
                cursor.execute(sql)
                yield cursor.fetch_arrow()
                cursor.execute(CHANGED)
                refuse_changed(name for (name,) in duckdb.from_arrow(cursor.fetch_arrow()).fetchall())
        except adbc.Error as error:
            raise stream_error(error) from None

    def explain(
        self,
        sql: str,
        values: Sequence[Mapping[str, Any]],
        run: bool = False,
        scans: bool = True,
        proofs: bool = False,
    ) -> list[dict[str, Any]]:
        """Return PostgreSQL's plan of one select for each of `values`, as EXPLAIN tells it in JSON.

        Parameters
        ----------
        run
            Execute it too, so that the plan says how long the server took (``Execution Time``, milliseconds).
        scans
            False prices sequential scans out, so that a small table too tells whether an index could serve.
        proofs
            Let the planner read no table of which the constraints prove that it has no such row, and tell what each
            step returns (``Output``).

        Raises
        ------
        QueryError
            PostgreSQL refused it; `TimeLimit` where it took too long, `SnapshotLost` where the instant is gone.
        """
        options = f"{'analyze, buffers, timing off, ' if run else ''}{'verbose, ' if proofs else ''}format json"
        planner = {**({} if scans else {"enable_seqscan": "off"}), **({"constraint_exclusion": "on"} if proofs else {})}
        try:
            with self.transaction() as one:
                one.set(planner)
                plans = (
                    one.run(f"explain ({options}) {sql}", {**given, "dsaudit": True}).scalar_one() for given in values
                )
                return [plan[0] for plan in plans]
        except sa.exc.DBAPIError as error:
            raise query_error(error) from None

    def catalogue(self) -> dict[tuple[str, str], TableInfo]:
        """Return the tables that there are, by schema and name; read once."""
        if self._catalogue is None:
            found: dict[tuple[str, str], TableInfo] = {}
            for row in self.query(COLUMNS, most=None).records:
                key = (row["schema"], row["table"])
                info = found.setdefault(key, TableInfo(*key, row["oid"], {}, row["is_stored"]))
                info.columns[row["column"]] = row["type"]
            self._catalogue = found
        return self._catalogue

    def merged(self, sql: str, values: Mapping[str, Any]) -> str:
        """Return `sql` with its values in place, to be pasted into psql."""
        used = {name: value for name, value in values.items() if f"%({name})s" in sql}
        try:
            with self._engine.connect() as connection:
                driver: Any = connection.connection.driver_connection
                return psycopg.ClientCursor(driver).mogrify(sql, used)
        except sa.exc.DBAPIError as error:
            raise query_error(error) from None

    def held_snapshot(self) -> AbstractContextManager[str]:
        """Hold one instant open and yield its name, until the block ends or it is `snapshot_age` old."""
        return held_snapshot(self._engine, self.settings.snapshot_age)


def _refuse_others(sqls: Sequence[str]) -> None:
    if not all(_IS_SELECT.match(sql) for sql in sqls):
        raise QueryError("only a select is run here")


_IS_SELECT = re.compile(r"(\s|--[^\n]*\n)*(select|with)\b", re.IGNORECASE)


def _fetch(one: Transaction, sql: str, values: Mapping[str, Any], most: int | None) -> Answer:
    result = one.run(sql, values)
    columns = list(result.keys())
    rows = [tuple(row) for row in (result.fetchall() if most is None else result.fetchmany(most + 1))]
    if most is None or len(rows) <= most:
        return Answer(columns, rows, len(rows))
    result.close()
    total = one.run(f"select count(*) from ({sql}) as all_rows", values).scalar_one()
    return Answer(columns, rows[:most], total)
