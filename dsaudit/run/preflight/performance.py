"""Lets PostgreSQL plan the declared queries: a mistake in one shows now, and not in the middle of a run."""

from __future__ import annotations

from collections.abc import Iterator

from dsaudit.database import Database, QueryError, RelationMissing
from dsaudit.database.relations import Relations
from dsaudit.parameters import Parameters, place_of
from dsaudit.run.preflight.line import Line
from dsaudit.verdict.card import plural


def queries(parameters: Parameters, database: Database, relations: Relations) -> Iterator[Line]:
    """Yield a line for each declared query that cannot be asked, or one for all."""
    performance = parameters.performance
    if performance is None:
        return
    problems = list(_columns(parameters, relations))
    for number, query in enumerate(performance.queries):
        where = place_of(parameters.path, ("performance", "queries", number, "sql"))
        try:
            database.explain(query.sql, [{**dict.fromkeys(query.drawn), **query.values}])
        except QueryError as error:
            bare = str(error).startswith("relation ") and "." not in str(error).split('"')[1]
            hint = "; a table is named with its schema, such as public.orders" if bare else ""
            problems.append(f"{where}: {query.name}: {error}{hint}")
    yield from (Line("performance", False, problem) for problem in problems)
    if performance.queries and not problems:
        yield Line("performance", True, f"{plural(len(performance.queries), 'query', 'queries')} can be planned")


def _columns(parameters: Parameters, relations: Relations) -> Iterator[str]:
    """Yield what is drawn of a column that its table does not have."""
    performance = parameters.performance
    assert performance is not None
    for section, listed in performance.sections.items():
        for number, one in enumerate(listed):
            for name, place in one.drawn.items():
                resource, _, column = place.partition(".")
                try:
                    table = relations.table(parameters.whole.resources[resource].table)
                except RelationMissing:
                    continue  # what the tables lack is told beside it
                if column not in table.columns:
                    where = place_of(parameters.path, ("performance", section, number, "drawn", name))
                    yield f"{where}: the table {table.schema}.{table.name} has no column {column}"
