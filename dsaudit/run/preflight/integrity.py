"""Looks for the columns, conditions and roles that the sections about linked rows and their states name."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dsaudit.database import Database, QueryError, RelationMissing
from dsaudit.database.relations import Relations
from dsaudit.parameters import Parameters, place_of
from dsaudit.parameters.states import named_columns
from dsaudit.run.preflight.line import Line
from dsaudit.wording import did_you_mean

Keys = tuple[str | int, ...]
ROLES = "select rolname::text as name from pg_catalog.pg_roles where rolname !~ '^pg_'"


def sections(parameters: Parameters, database: Database, relations: Relations) -> Iterator[Line]:
    """Yield a line for each column, condition or role that is not there; what tables lack is told elsewhere."""
    named = [(keys, parameters.whole.resources[name].table, column) for keys, name, column in _columns(parameters)]
    for keys, name, column in [*named, *_histories(parameters)]:
        try:
            table = relations.table(name)
        except RelationMissing as error:
            if keys[-1] == "table":
                yield Line(str(keys[0]), False, f"{place_of(parameters.path, keys)}: {error}")
            continue
        if column and column not in table.columns:
            hint = did_you_mean(column, table.columns)
            words = f"{table.schema}.{table.name} has no column {column}" + (f"; {hint}" if hint else "")
            yield Line(str(keys[0]), False, f"{place_of(parameters.path, keys)}: {words}")
    for keys, resource, condition in _conditions(parameters):
        try:
            filled = relations.fill("{table}", {"resource": resource})
            database.explain(f"select ({condition.replace('%', '%%')}\n) from {filled.sql} as x", [{}])
        except QueryError as error:
            yield Line(str(keys[0]), False, f"{place_of(parameters.path, keys)}: {error}")
        except RelationMissing:
            continue
    yield from _role(parameters, database)


def _columns(parameters: Parameters) -> Iterator[tuple[Keys, str, str]]:
    """Yield each column that is named, with its resource and where it stands."""
    for number, duration in enumerate(parameters.durations):
        named = {"from": duration.from_, "to": duration.to, "by": duration.by}
        for key, column in named.items():
            if column:
                yield ("durations", number, key), duration.resource, column
    for number, endpoint in enumerate(parameters.apis.endpoints if parameters.apis else ()):
        for section in ("fields", "filters"):
            for path, column in getattr(endpoint, section).items():
                yield ("apis", "endpoints", number, section, path), endpoint.resource, column
        yield ("apis", "endpoints", number, "key"), endpoint.resource, endpoint.key_column

    for number, states in enumerate(parameters.states):
        for more, column in named_columns(states):
            yield ("states", number, *more), states.resource, column.partition(".")[0]  # the rest leads into JSON


def _histories(parameters: Parameters) -> Iterator[tuple[Keys, str, str]]:
    """Yield the tables of histories, without a column and with each that is named."""
    for number, states in enumerate(parameters.states):
        if history := states.history:
            named = {"table": "", **history.named}
            yield from ((("states", number, "history", key), history.table, one) for key, one in named.items())


def _conditions(parameters: Parameters) -> Iterator[tuple[Keys, str, str]]:
    """Yield each condition and each expression of a chain of hops or a gauge, with the resource of whose rows it is."""
    for name, gauge in parameters.monitoring.gauges.items() if parameters.monitoring else ():
        yield ("monitoring", "gauges", name, "where"), gauge.resource, gauge.where
    for number, chain in enumerate(parameters.conserved):
        if chain.settled:
            yield ("conserved", number, "settled"), chain.resource, chain.settled
        for place, hop in enumerate(chain.hops):
            if hop.where:
                yield ("conserved", number, "hops", place, "where"), hop.resource, hop.where
            if hop.counted_by:
                yield ("conserved", number, "hops", place, "counted_by"), chain.resource, hop.counted_by


def _role(parameters: Parameters, database: Database) -> Iterator[Line]:
    """Tell a pattern that no role of the server has: nothing could be tried in its name."""
    if parameters.tenancy is None or parameters.tenancy.role is None:
        return
    role = parameters.tenancy.role
    names = [str(row["name"]) for row in database.query(ROLES).records]
    if not any(re.fullmatch(role, name) for name in names):
        hint = did_you_mean(role, names)
        words = f"the server has no role that {role} matches" + (f"; {hint}" if hint else "")
        yield Line("tenancy", False, f"{place_of(parameters.path, ('tenancy', 'role'))}: {words}")
