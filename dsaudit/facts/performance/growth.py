"""What becomes of the declared queries and updates on a scratch copy that grows: its rows are made up.

Nothing is written to the audited database, which is asked for its schema alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from statistics import mean, median
from typing import TYPE_CHECKING, Any

import numpy as np
import psycopg
from psycopg import sql

from dsaudit import scratch
from dsaudit.database import RelationMissing
from dsaudit.database.errors import first_line
from dsaudit.facts.performance import plans
from dsaudit.facts.performance.drawing import Rows, values_of
from dsaudit.facts.performance.timing import lacking
from dsaudit.facts.scratch import copy_of, refill
from dsaudit.parameters.performance import AtOnce, Query, Valued
from dsaudit.parameters.tenancy import tenancy_columns
from dsaudit.scratch import Contention, Scratch, ScratchError

if TYPE_CHECKING:
    from dsaudit.audit import Audit
    from dsaudit.database import TableInfo

REPEATED = 3  # runs of a query with each set of values; the fastest counts
ROUNDS = 6  # in which updates run at once, half of them in step
NEARLY = 0.9  # of the rows that a table was to have
SETTINGS = "set max_parallel_workers_per_gather = 0; set work_mem = '64MB'; set timezone = 'UTC'"


@dataclass(frozen=True)
class Point:
    """A query where each table has `rows` rows: what it took, what its steps handled, and the pages it looked at."""

    query: str
    rows: int
    milliseconds: float
    handled: float
    pages: float


@dataclass(frozen=True)
class Grown:
    """What came of it. `problem` says why there was no copy, `problems` and `untried` why one did not run."""

    points: list[Point] = field(default_factory=list)
    contentions: dict[str, Contention] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    untried: dict[str, str] = field(default_factory=dict)
    problem: str | None = None

    def power(self, query: str) -> float | None:
        """Return the power of the tables' size by which a query's work grows, fitted; None where it is not known."""
        own = [one for one in self.points if one.query == query]
        if self.why(query) or len(own) < 2:
            return None
        sizes, work = np.log([one.rows for one in own]), np.log([max(one.handled, 1) for one in own])
        return round(float(np.polyfit(sizes, work, 1)[0]), 2) + 0.0  # no zero with a sign

    def why(self, name: str) -> str | None:
        """Return why nothing can be said of a query."""
        return self.problem or self.problems.get(name)


def grown(audit: Audit) -> Grown:
    """Make the copy, fill it at three sizes, run the queries at each and the updates at the end; once a notebook."""
    found: Grown | None = audit.kept.get("grown")
    if found is None:
        found = audit.kept["grown"] = _grown(audit)
    return found


def _grown(audit: Audit) -> Grown:
    performance = audit.parameters.performance
    schemas = sorted({table.schema for table in _tables(audit).values()})
    if performance is None or not schemas:
        return Grown(problem="none of the tables that the file names is there to be copied")
    try:
        copy, found = copy_of(audit, schemas), Grown()
        for size in performance.sizes if performance.queries else performance.sizes[:1]:
            _refill(audit, copy, size)
            for query in performance.queries:
                _measure(audit, copy, query, size, found)
        for one in performance.at_once:
            _contend(audit, copy, one, found)
        return found
    except ScratchError as error:
        return Grown(problem=str(error))
    except psycopg.Error as error:
        return Grown(problem=f"the scratch copy: {first_line(error)}")


def _tables(audit: Audit) -> dict[str, TableInfo]:
    found = {}
    for name, resource in audit.parameters.whole.resources.items():
        try:
            found[name] = audit.relations.table(resource.table)
        except RelationMissing:
            continue  # another check says so
    return found


def _refill(audit: Audit, copy: Scratch, size: int) -> None:
    """Empty every table of the copy and fill it anew, with the rows of one tenant that grows."""
    refill(copy, size)
    with psycopg.connect(copy.url, autocommit=True) as owner:
        owner.execute("set session_replication_role = replica")  # no trigger has a say in what all rows are given
        whose: list[str] = []
        for name, table in _tables(audit).items():
            _give(owner, table, [*tenancy_columns(audit.parameters.whole, name)], whose)


def _give(owner: psycopg.Connection[Any], table: TableInfo, columns: list[str], whose: list[str]) -> None:
    """Give all rows of a table to one tenant, the first of the first table; where a key refuses it, they stay."""
    source = sql.Identifier(table.schema, table.name)
    first = sql.SQL("select {}::text from {} limit 1")
    columns = [column for column in columns if column in table.columns]
    for column in columns[len(whose) :]:
        row = owner.execute(first.format(sql.Identifier(column), source)).fetchone()
        whose += [row[0]] if row else []
    if not columns or len(whose) < len(columns):
        return
    values = [
        sql.SQL("{} = {}").format(sql.Identifier(column), sql.Literal(value))
        for column, value in zip(columns, whose, strict=False)
    ]
    with suppress(psycopg.errors.IntegrityError, psycopg.errors.DataError):
        owner.execute(sql.SQL("update {} set {}").format(source, sql.SQL(", ").join(values)))
        owner.execute(sql.SQL("vacuum analyze {}").format(source))


def _measure(audit: Audit, copy: Scratch, query: Query, size: int, found: Grown) -> None:
    """Run a query on the copy and add what came of it, or why nothing did."""
    with copy.connect() as connection:
        connection.execute(
            f"{SETTINGS}; set statement_timeout = '{audit.database.settings.statement_timeout}s'".encode()
        )
        try:
            given = _values(audit, connection, query)
            if not given:
                found.problems[query.name] = lacking(query)
                return
            explained = [[_explained(connection, query.sql, values) for _ in range(REPEATED)] for values in given]
        except (psycopg.Error, RelationMissing) as error:
            said = first_line(error) if isinstance(error, psycopg.Error) else str(error)
            found.problems[query.name] = f"on the scratch copy: {said}"
            return
    last = [runs[-1] for runs in explained]
    if short := next(_short(copy, last, size), None):
        found.problems.setdefault(query.name, short)
    took = median(min(float(plan["Execution Time"]) for plan in runs) for runs in explained)
    pages = mean(plans.buffers(plan) for plan in last)
    found.points.append(Point(query.name, size, took, mean(map(plans.handled, last)), pages))


def _short(copy: Scratch, explained: Sequence[plans.Plan], size: int) -> Iterator[str]:
    """Yield why a table that was read does not have as many rows as it was to have."""
    for name in sorted({table for plan in explained for table in plans.tables(plan)}):
        if name in copy.counts and copy.counts[name] < NEARLY * size and not copy.tables[name].partition_of:
            yield f"{name} could not be filled: {copy.shortfalls.get(name, 'its keys allow no more rows')}"


def _explained(connection: psycopg.Connection[Any], query: str, values: dict[str, Any]) -> plans.Plan:
    options = "analyze, buffers, timing off, verbose, format json"
    row = connection.execute(f"explain ({options}) {query}".encode(), {**values, "dsaudit": True}).fetchone()
    assert row is not None
    plan: plans.Plan = row[0][0]
    return plan


def _values(audit: Audit, connection: psycopg.Connection[Any], one: Valued, **options: int) -> list[dict[str, Any]]:
    resources = audit.parameters.whole.resources
    rows: Rows = lambda query: connection.execute(query.encode()).fetchall()  # noqa: E731
    return values_of(one, rows, lambda name: audit.relations.table(resources[name].table), **options)


def _contend(audit: Audit, copy: Scratch, one: AtOnce, found: Grown) -> None:
    """Run updates at once on the copy and add what came of it, or why nothing did."""
    try:
        with copy.connect() as connection:
            given = _values(audit, connection, one, sets=1)
            if not given:
                found.untried[one.name] = lacking(one)
                return
            merge = psycopg.ClientCursor(connection).mogrify
            made = [
                [merge(statement.encode(), given[0]) for statement in statements] for statements in one.transactions
            ]
    except psycopg.Error as error:
        found.untried[one.name] = first_line(error)
    except RelationMissing as error:
        found.untried[one.name] = str(error)
    else:
        found.contentions[one.name] = scratch.deadlocks(copy, made, ROUNDS)
