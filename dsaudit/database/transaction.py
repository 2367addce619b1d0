"""A short read-only transaction at one instant, in which every statement is limited from both sides."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, CursorResult, Engine

from dsaudit.database.catalogue import CHANGED
from dsaudit.database.errors import SnapshotLost, first_line

LOOK = 0.2  # seconds after which is looked again which transactions are to be cut
PATIENCE = 5.0  # seconds that a server may outlive its own time limit before the connection is cut

LIMITS = {
    "statement_timeout": "60000",  # milliseconds, like the next
    "lock_timeout": "500",
    # Off means: an error where a policy would hide rows, instead of fewer rows and no word of it.
    "row_security": "off",
    "search_path": "pg_catalog",
    "max_parallel_workers_per_gather": "0",
    # The ids of a part are hashed as long as they fit into it; beyond, each row is held against all of them in turn.
    "work_mem": "64MB",
}

# How PostgreSQL writes values as text, whatever the database or the role has set: a float with all its digits.
FORMS = {
    "timezone": "UTC",
    "datestyle": "ISO",
    "intervalstyle": "postgres",
    "bytea_output": "hex",
    "extra_float_digits": "1",
}

WITHOUT_LIMITS = """
select pg_catalog.set_config(name, '0', true) from pg_catalog.pg_settings
where name in ('idle_in_transaction_session_timeout', 'transaction_timeout')
"""
_READ_ONLY = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


class Transaction:
    """Runs statements; each has the whole time limit, and the watch starts anew with it."""

    def __init__(self, connection: Connection, seconds: float) -> None:
        self.connection = connection
        self._seconds = seconds
        self.cut_at = time.monotonic() + seconds

    def run(self, sql: str, values: Mapping[str, Any] | None = None) -> CursorResult[Any]:
        """Execute one statement as it stands; values are named as ``%(name)s``."""
        self.cut_at = time.monotonic() + self._seconds
        return self.connection.exec_driver_sql(sql, None if values is None else dict(values))

    def batches(self, sql: str, values: Mapping[str, Any], size: int) -> Iterator[Sequence[sa.Row[Any]]]:
        """Yield the rows of one select as they come, `size` at a time; each batch has the whole time limit."""
        self.set({"cursor_tuple_fraction": "1"})  # all rows are wanted, not the first of them soon
        streaming = {"stream_results": True, "yield_per": size}
        with self.connection.exec_driver_sql(sql, dict(values), execution_options=streaming) as result:
            for rows in result.partitions(size):
                self.cut_at = time.monotonic() + self._seconds
                yield rows

    @contextlib.contextmanager
    def in_one_trip(self) -> Iterator[None]:
        """Let statements of our own be sent at once; those of others are prepared first, which refuses two in one."""
        line: Any = self.connection.connection.dbapi_connection
        before, line.prepare_threshold = line.prepare_threshold, None
        try:
            yield
        finally:
            line.prepare_threshold = before

    def set(self, settings: Mapping[str, str]) -> None:
        """Set PostgreSQL's settings for this transaction alone."""
        if settings:
            calls = ", ".join(f"pg_catalog.set_config('{name}', %({name})s, true)" for name in settings)
            self.run(f"select {calls}", settings)


def answers(engine: Engine, seconds: float) -> bool:
    """Connect once and return whether the server answered in time; raises what the driver does.

    The driver's own limit ends with the handshake, and what SQLAlchemy asks a server first has none.
    """
    raised: list[BaseException] = []

    def connect() -> None:
        try:
            engine.connect().close()
        except BaseException as error:
            raised.append(error)

    trying = threading.Thread(target=connect, daemon=True)  # one that never ends keeps nobody from ending
    trying.start()
    trying.join(seconds)
    if raised:
        raise raised[0]
    return not trying.is_alive()


@contextlib.contextmanager
def transaction(engine: Engine, seconds: float, snapshot: str | None, age: float) -> Iterator[Transaction]:
    """Open one short read-only transaction, at the instant `snapshot` if one is given.

    Parameters
    ----------
    seconds
        Limit of each statement, on the server and, a little later, on this side.
    age
        Seconds after which a snapshot is let go, for the message alone.

    Raises
    ------
    SnapshotLost
        The snapshot is gone, or a table that was read is no longer what it was at its instant.
    """
    with contextlib.ExitStack() as stack:
        began = time.monotonic()
        try:
            one = stack.enter_context(_begun(engine, seconds, snapshot, age))
        except sa.exc.DBAPIError as error:
            if not error.connection_invalidated or time.monotonic() - began > PATIENCE:
                raise
            # While the session lay idle, the server has ended it: a new one sees the same instant.
            one = stack.enter_context(_begun(engine, seconds, snapshot, age))
        yield one
        with one.in_one_trip():
            refuse_changed(one.run(CHANGED).scalars())


@contextlib.contextmanager
def _begun(engine: Engine, seconds: float, snapshot: str | None, age: float) -> Iterator[Transaction]:
    with engine.connect().execution_options(**_READ_ONLY) as connection:
        one = Transaction(connection, seconds + PATIENCE)
        with _watched(one):
            try:
                with one.in_one_trip():
                    if snapshot:
                        _take(one, snapshot, age)
                    # One select for all; the first query of a transaction also ends the time in which it could be made
                    # read-write.
                    one.set({**LIMITS, **FORMS, "statement_timeout": f"{seconds * 1000:.0f}"})
                yield one
            finally:
                one.cut_at = time.monotonic() + PATIENCE  # a server may stall here too, and the answer is had
                with contextlib.suppress(sa.exc.SQLAlchemyError):
                    connection.rollback()


@contextlib.contextmanager
def held_snapshot(engine: Engine, seconds: float) -> Iterator[str]:
    """Hold one instant open and yield its name; the holder touches no table, and is cut off after `seconds`.

    An old snapshot keeps vacuum from cleaning up, in every database of the server.
    """
    with engine.connect().execution_options(**_READ_ONLY) as connection:
        connection.detach()  # the pool has room for one session, which reads
        one = Transaction(connection, seconds)
        with _watched(one):
            # The holder waits idle for as long as the phases take: no limit of the server's may end it but ours.
            one.run(WITHOUT_LIMITS)
            yield str(connection.exec_driver_sql("select pg_export_snapshot()").scalar_one())
            one.cut_at = time.monotonic() + PATIENCE
            # If the holder was cut off, the checks that came after it have said so.
            with contextlib.suppress(sa.exc.DBAPIError):
                connection.rollback()


def checked(snapshot: str) -> str:
    """Return a snapshot's name, which is written into a statement, as no value can be bound there."""
    if not all(part.isalnum() for part in snapshot.split("-")):
        raise SnapshotLost(f"{snapshot!r} is no name of a snapshot")
    return snapshot


def refuse_changed(names: Iterable[str]) -> None:
    """Refuse what was read where there are `names` of tables that are no longer what they were at its instant."""
    if changed := list(names):
        raise SnapshotLost(
            f"{changed[0]} was truncated, rewritten or redefined after the run's instant; "
            "what is read of it proves nothing"
        )


def _take(one: Transaction, snapshot: str, age: float) -> None:
    try:
        one.run(f"set transaction snapshot '{checked(snapshot)}'")
    except sa.exc.DBAPIError as error:
        if error.connection_invalidated:
            raise
        raise SnapshotLost(
            f"the run's snapshot is gone; it was cut off, or became older than database.snapshot_age "
            f"({age:.0f} s): {first_line(error.orig)}"
        ) from None


@contextlib.contextmanager
def _watched(one: Transaction) -> Iterator[None]:
    """Cut the connection when a stalled server outlives its own time limit; its own limit cannot help then."""
    handle = os.dup(one.connection.connection.dbapi_connection.fileno())  # type: ignore[union-attr]
    _watch(os.getpid())
    with socket.socket(fileno=handle) as line:
        with _LOCK:
            _WATCHED[one] = line
        try:
            yield
        finally:
            with _LOCK:
                del _WATCHED[one]


_LOCK = threading.Lock()
_WATCHED: dict[Transaction, socket.socket] = {}


@cache
def _watch(process: int) -> None:
    """Start what watches all transactions of a process: a thread for each would cost as much as its statements."""
    threading.Thread(target=_cut_those_due, name=f"limits of {process}", daemon=True).start()


def _cut_those_due() -> None:
    while True:
        now = time.monotonic()
        with _LOCK:
            for one, line in _WATCHED.items():
                if one.cut_at <= now:
                    with contextlib.suppress(OSError):  # it was cut before
                        line.shutdown(socket.SHUT_RDWR)
            due = min((one.cut_at for one in _WATCHED if one.cut_at > now), default=now + LOOK)
        time.sleep(min(due - now, LOOK))  # one that begins meanwhile, or is due earlier then, is seen in time
