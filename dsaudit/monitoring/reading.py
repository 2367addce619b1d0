"""Reads the metrics out of the database as they are now: each in a short read-only transaction of its own.

What could not be read is unknown, with the reason, and never 0.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from psycopg import sql

from dsaudit.database import Database, DatabaseError, QueryError, RelationMissing
from dsaudit.database.identity import guard, identify
from dsaudit.database.relations import Relations
from dsaudit.monitoring.metric import Metric
from dsaudit.monitoring.metrics import measured
from dsaudit.monitoring.queries import Queries
from dsaudit.parameters import Parameters

Labels = tuple[str, ...]  # the values of a metric's labels, in their order
NAME = "dsaudit/monitor"  # in the server's list of connections


@dataclass
class Reading:
    """What was read from `time` on: each metric's values by labels, or why it is unknown.

    `away` says why the database could not be read at all, or no further; `seconds` is how long it took.
    """

    time: datetime
    values: dict[Metric, dict[Labels, float]] = field(default_factory=dict)
    unknown: dict[Metric, str] = field(default_factory=dict)
    away: str = ""
    seconds: float = 0


def readings(parameters: Parameters, interval: float) -> Iterator[Reading]:
    """Yield a reading every `interval` seconds, for ever; one that takes longer is let end, and intervals are left out.

    Raises
    ------
    DatabaseError
        As `read` does.
    """
    due = time.monotonic()
    while True:
        yield read(parameters)
        now = time.monotonic()
        due += interval * ((now - due) // interval + 1)
        time.sleep(due - now)


def read(parameters: Parameters) -> Reading:
    """Connect, read all metrics and let go of the database; that it is not there is told by what is returned.

    Raises
    ------
    DatabaseError
        It is another database than the pinned one, or the role could write in production.
    """
    begun, reading = time.monotonic(), Reading(datetime.now(UTC))
    database = _opened(parameters, reading)
    if database:
        with contextlib.closing(database):
            _fill(reading, parameters, database)
    for metric in measured(parameters) if reading.away else ():
        if metric not in reading.values:
            reading.unknown.setdefault(metric, reading.away)
    reading.seconds = time.monotonic() - begun
    return reading


def _opened(parameters: Parameters, reading: Reading) -> Database | None:
    try:
        return Database.open(parameters.database, name=NAME)
    except DatabaseError as error:
        reading.away = str(error)
        return None


def _fill(reading: Reading, parameters: Parameters, database: Database) -> None:
    try:
        identity, relations = identify(database), Relations(parameters, database.catalogue())
    except (DatabaseError, QueryError) as error:
        reading.away = str(error)
        return
    guard(parameters, identity)
    queries = Queries(parameters, named=lambda name: _named(relations, name))
    for metric in measured(parameters):
        try:
            reading.values[metric] = _values(database, metric.query(queries))
        except (QueryError, RelationMissing) as error:
            reading.unknown[metric] = str(error)
            if isinstance(error, QueryError) and not _answers(database):
                reading.away = str(error)
                return


def _values(database: Database, query: str) -> dict[Labels, float]:
    """Return the values of a metric's query, by all of its labels but the first, which names the integration."""
    rows = database.query(query.replace("%", "%%"), most=None).rows
    return {tuple(map(str, row[1:-1])): float(row[-1]) for row in rows}


def _answers(database: Database) -> bool:
    try:
        database.query("select 1")
    except QueryError:
        return False
    return True


def _named(relations: Relations, name: str) -> str:
    info = relations.table(name)
    return sql.Identifier(info.schema, info.name).as_string(None)
