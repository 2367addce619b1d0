"""The only place that connects to the audited database: read only, one instant, bounded in time.

Every query runs in a short transaction of its own that imports the run's snapshot. A long transaction would hold
its locks to the end, and a schema change that waits for them holds up everybody behind it.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Self, TypeVar

import pandas as pd
import psycopg
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from dsaudit.database.addresses import arguments_for, audited_url, for_libpq
from dsaudit.database.catalogue import CHANGED, COLUMNS, TableInfo
from dsaudit.database.errors import (
    DatabaseError,
    QueryError,
    first_line,
    query_error,
    stream_error,
)
from dsaudit.database.politeness import SETTINGS, Politeness
from dsaudit.database.times import read_far_times_as_none
from dsaudit.database.transaction import (
    FORMS,
    LIMITS,
    Transaction,
    answers,
    checked,
    held_snapshot,
    refuse_changed,
    transaction,
)
from dsaudit.parameters.database import Database as Settings

LONGEST_START = 30.0  # seconds that a server may take to answer first; of these ten to take the connection
Found = TypeVar("Found")
Asked = tuple[str, Mapping[str, Any]]
MOST_ROWS = 100_000  # rows of a result that are kept; beyond that they are counted

BATCH = 10_000  # rows that are held at a time where all are looked through


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

    def __init__(
        self, engine: Engine, settings: Settings, snapshot: str | None = None, politeness: Politeness | None = None
    ) -> None:
        self._engine = engine
        self.settings = settings
        self.snapshot = snapshot
        self._politeness = politeness
        self._catalogue: dict[tuple[str, str], TableInfo] | None = None

    @classmethod
    def open(
        cls,
        settings: Settings,
        snapshot: str | None = None,
        name: str = "dsaudit",
        since: str | None = None,
        folder: Path | None = None,
    ) -> Self:
        """Connect once to see that it works, and return the reader.

        Of a run's `snapshot` it also takes the instant, `since`, and the private folder of the run.

        Raises
        ------
        DatabaseError
            The variable is unset, the URL is no URL, or the server refuses.
        """
        url = audited_url(settings).update_query_dict({"application_name": name})  # for streams, too
        # One session for each process, and more only while several threads read.
        engine = sa.create_engine(
            url, connect_args=arguments_for(name), pool_size=1, max_overflow=5, pool_pre_ping=False
        )
        sa.event.listen(engine, "connect", read_far_times_as_none)
        politeness = Politeness(settings.polite, settings.snapshot_age, since, folder) if settings.polite else None
        database = cls(engine, settings, snapshot, politeness)
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

    def at_once(self) -> Self:
        """Return a reader of the same instant that waits for nobody: to read what the catalogue tells is no load."""
        return type(self)(self._engine, self.settings, self.snapshot)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    @property
    def is_polite(self) -> bool:
        """Whether reads give way to others, as those of a run do; what is read as it is now cannot wait."""
        return bool(self._polite)

    @property
    def _polite(self) -> Politeness | None:
        return self._politeness if self.snapshot else None

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Open one short read-only transaction at the run's instant, watched from this side as well."""
        limit, age = self.settings.statement_timeout, self.settings.snapshot_age
        with self._giving_way(), transaction(self._engine, limit, self.snapshot, age) as one:
            one.set(SETTINGS if self._polite else {})
            yield one

    def _giving_way(self) -> AbstractContextManager[None]:
        return self._polite.read(self._engine) if self._polite else contextlib.nullcontext()

    def again(self, work: Callable[[], Found]) -> Found:
        """Do what reads; a polite read that has to let go of a table is tried again."""
        return self._polite.again(work) if self._polite else work()

    def query(
        self,
        sql: str,
        values: Mapping[str, Any] | None = None,
        most: int | None = MOST_ROWS,
    ) -> Answer:
        """Run one select at the run's instant and return its rows; see `queries`."""
        return self.queries([sql], values, most)[0]

    def queries(
        self,
        sqls: Sequence[str],
        values: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
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
        bound = [values or {}] * len(sqls) if values is None or isinstance(values, Mapping) else values
        return self._all_answers(list(zip(sqls, bound, strict=True)), most, planner or {})

    def _all_answers(self, asked: Sequence[Asked], most: int | None, planner: Mapping[str, str]) -> list[Answer]:
        """Ask in one transaction; politely each in its own, so that no table is held for longer than it is read."""
        if not self._polite:
            return self._answers(asked, most, planner)
        return [self.again(partial(self._answers, [one], most, planner))[0] for one in asked]

    def _answers(self, asked: Sequence[Asked], most: int | None, planner: Mapping[str, str]) -> list[Answer]:
        try:
            with self.transaction() as one:
                one.set(planner)
                return [_fetch(one, sql, given, most) for sql, given in asked]
        except sa.exc.DBAPIError as error:
            raise query_error(error) from None

    def batches(self, sql: str, values: Mapping[str, Any] | None = None) -> Iterator[Sequence[sa.Row[Any]]]:
        """Yield the rows of one select at the run's instant, some thousand at a time: what is too much to be held.

        Whoever reads politely begins again where it had to let go of a table: see `again`.

        Raises
        ------
        QueryError
            As by `queries`.
        """
        _refuse_others([sql])
        try:
            with self.transaction() as one:
                yield from one.batches(sql, values or {}, BATCH)
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
        settings |= SETTINGS if self._polite else {}
        begin = ["begin isolation level repeatable read read only"]
        begin += [f"set transaction snapshot '{checked(self.snapshot)}'"] if self.snapshot else []
        begin += [f"set local {name} = '{value}'" for name, value in settings.items()]
        try:
            with (
                self._giving_way(),
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
        asked = [(f"explain ({options}) {sql}", {**given, "dsaudit": True}) for given in values]
        return [answer.rows[0][0][0] for answer in self._all_answers(asked, None, planner)]

    def catalogue(self) -> dict[tuple[str, str], TableInfo]:
        """Return the tables that there are, by schema and name; read once."""
        if self._catalogue is None:
            found: dict[tuple[str, str], TableInfo] = {}
            for row in self.at_once().query(COLUMNS, most=None).records:
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
        if self._politeness:
            self._politeness.renewed()
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
