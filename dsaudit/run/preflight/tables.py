"""Tries the database: every declared table, column, tenant, key and state, and the user's own queries."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from psycopg import sql

from dsaudit import checks
from dsaudit.database import Database, DatabaseError, QueryError, RelationMissing
from dsaudit.database.bindings import bindings
from dsaudit.database.expressions import value_of
from dsaudit.database.identity import guard, identify
from dsaudit.database.relations import Relations
from dsaudit.parameters import Parameters, place_of
from dsaudit.parameters.tables import STATES as RUN_STATES
from dsaudit.run.preflight import integrity, performance
from dsaudit.run.preflight.line import Line
from dsaudit.verdict.card import plural

Values = Mapping[str, Any]  # what every query may bind
STATES = ("pending", "processed", "error", "skipped", "held")
FIRST = 1_000_000  # rows of a table that are looked at for what its columns hold
FEW = f"select state as word from {{raw}} as one limit {FIRST}"
RUNS = f"select word from {{syncs}} as one where state = 'other' limit {FIRST}"
# What a table's states may mean, and the query for the words in it, of which some may be no such meaning.
WORDS = {
    "raw": (f"select distinct word from ({FEW}) as few", STATES),
    "syncs": (f"select distinct word from ({RUNS}) as few", tuple(RUN_STATES)),
}
MOST_NAMED = 3
NUMBER_OR_UUID = re.compile(r"\d+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
STATE = re.compile(r"[A-Za-z][A-Za-z_ -]{0,30}")  # another may be anything


def database_ways(parameters: Parameters) -> Iterator[Line]:
    """Yield a line for the database, its role, and whatever of the declared tables a run would stumble over."""
    try:
        database = Database.open(parameters.database)
    except DatabaseError as error:
        yield Line("database", False, str(error))
        return
    try:
        identity = identify(database)
        guard(parameters, identity)
        yield Line("database", True, f"{identity.pin} as {identity.role}, PostgreSQL {identity.server_version}")
        if identity.may_write:
            yield Line("role", None, f"can write ({identity.may_write[0]}); `dsaudit role` prints a better one")
        relations, values = Relations(parameters, database.catalogue()), bindings(parameters, identity.time)
        yield from _tables(parameters, database, relations, values)
        yield from _tenants(parameters, database, relations)
        yield from _keys(parameters, database, relations, values)
        yield from _states(parameters, database, relations, values)
        yield from _embedded(parameters, database, relations, values)
        yield from _ready(parameters, relations)
        yield from _invariants(parameters, database, relations)
        yield from integrity.sections(parameters, database, relations)
        yield from performance.queries(parameters, database, relations)
        yield from _own_checks(parameters, database, relations, values)
    except DatabaseError as error:
        yield Line("database", False, str(error))
    finally:
        database.close()


def _tables(parameters: Parameters, database: Database, relations: Relations, values: Values) -> Iterator[Line]:
    """Let PostgreSQL plan a reading of all that is declared: a column that a table lacks shows now."""
    slots = {f"resources.{name}": ("{refined}", {"resource": name}) for name in parameters.resources}
    sections = [name for name in ("raw", "deliveries", "syncs", "record") if getattr(parameters, name)]
    slots |= {name: (f"{{{name}}}", {}) for name in sections}
    ends = "{child} as child, {parent}"
    slots |= {f"relations.{one.name}": (ends, {"relation": one.name}) for one in parameters.relations}
    problems = []
    for where, (slot, item) in slots.items():
        try:
            filled = relations.fill(f"select * from {slot} as one", item)
            database.explain(filled.sql, [{**values, **filled.values}])
        except (QueryError, RelationMissing) as error:
            problems.append(f"{where}: {error}")
    yield from (Line("tables", False, problem) for problem in problems)
    if not problems:
        yield Line("tables", True, f"{len(parameters.tables)} declared, all there")


def _ready(parameters: Parameters, relations: Relations) -> Iterator[Line]:
    """Look for the view of what is ready; a column that it lacks is for the audit to judge."""
    ready = parameters.ready
    if ready is None:
        return
    try:
        columns = relations.table(ready.view).columns
    except RelationMissing as error:
        yield Line("ready", False, f"{place_of(parameters.path, ('ready', 'view'))}: {error}")
        return
    if ready.key not in columns:
        where = place_of(parameters.path, ("ready", "key"))
        yield Line("ready", False, f"{where}: {ready.view} has no column {ready.key}")
        return
    lacking = [name for name in ready.columns if name not in columns]
    told = f"; it has no {', '.join(lacking)}, which the audit judges" if lacking else ""
    yield Line("ready", True, f"{ready.view} is there{told}")


def _invariants(parameters: Parameters, database: Database, relations: Relations) -> Iterator[Line]:
    """Let PostgreSQL plan each invariant: what is no condition on its table shows now."""
    for number, one in enumerate(parameters.invariants):
        where = place_of(parameters.path, ("invariants", number, "holds"))
        try:
            filled = relations.fill("{table}", {"resource": one.resource})
            database.explain(f"select from {filled.sql} as x where ({one.holds.replace('%', '%%')}\n)", [{}])
        except QueryError as error:
            yield Line("invariants", False, f"{where}: {error}")
        except RelationMissing:
            continue  # what the tables lack is told beside it


def _tenants(parameters: Parameters, database: Database, relations: Relations) -> Iterator[Line]:
    """Look for each tenant's id in the tables that tell one: with a wrong id, nothing of a tenant is found."""
    others = set[str]()
    absent = {one.id for one in parameters.tenants}
    try:
        columns = [_column(relations, *one) for one in _tenant_columns(parameters)] if absent else []
        for table, value, kind in columns:
            there = f"select 1 from {table} as x where {value} = %(id)s::{kind} limit 1"
            absent = {one for one in absent if not database.query(there, {"id": one}).total}
        for table, value, _ in columns if absent else ():
            few = f"select distinct id from (select ({value})::text as id from {table} as x limit {FIRST}) as few"
            others |= set(database.query(few).frame["id"].dropna())
    except RelationMissing:
        return  # what the tables lack is told beside it
    except QueryError as error:
        yield Line("tenants", None, f"not looked for: {error}")
        return
    others -= {one.id for one in parameters.whole.tenants}
    for number, tenant in enumerate(parameters.whole.tenants):
        if tenant.id in absent:
            where = place_of(parameters.path, ("tenants", number, "id"))
            hint = f"; {_shown(others)} there, and no tenant of the file" if others else ""
            yield Line("tenants", False if others else None, f"{where}: no row of the declared tables has it{hint}")


def _tenant_columns(parameters: Parameters) -> set[tuple[str, str]]:
    """Return the declared tables that tell a tenant, each with its column."""
    columns = {(one.table, one.tenant) for one in parameters.resources.values() if one.tenant}
    sections = (parameters.deliveries, parameters.syncs, parameters.record)
    columns |= {(one.table, one.columns["tenant"]) for one in sections if one and "tenant" in one.columns}
    if parameters.raw and "tenant" in parameters.raw.columns:
        columns |= {(one, parameters.raw.columns["tenant"]) for one in parameters.raw_tables(parameters.resources)}
    return columns


def _column(relations: Relations, name: str, column: str) -> tuple[str, str, str]:
    """Return a table and one of its columns as a query has them, and the column's type."""
    info = relations.table(name)
    table, value = sql.Identifier(info.schema, info.name).as_string(None), value_of(column, info)
    return table, value, "text" if "." in column else info.columns[column]


def _shown(ids: set[str]) -> str:
    """Name a few ids that are a uuid or a number; another could be somebody's name, and is counted only."""
    named = sorted(filter(NUMBER_OR_UUID.fullmatch, ids))[:MOST_NAMED]
    others = [f"{len(ids) - len(named)} {'more' if named else 'other'}"] if len(ids) > len(named) else []
    return f"{' and '.join([', '.join(named), *others] if named else others)} {'is' if len(ids) == 1 else 'are'}"


def _embedded(parameters: Parameters, database: Database, relations: Relations, values: Values) -> Iterator[Line]:
    """Tell which nested records the raw table has no rows of: kept inside others, each would be called missing."""
    for name, one in parameters.resources.items():
        if not one.nested or not parameters.has_raw_rows(name):
            continue
        try:
            filled = relations.fill("select 1 from {raw} as one limit 1", resources=[name])
            there = database.query(filled.sql, {**values, **filled.values}).total
        except (QueryError, RelationMissing):
            continue  # what the raw table lacks, or is too long for, is told beside it
        if not there:
            where = place_of(parameters.path, ("resources", name, "nested"))
            words = "no raw row is of this type; if its records are kept inside those of"
            yield Line("raw", None, f"{where}: {words} {one.nested.in_}, say embedded: true")


def _keys(parameters: Parameters, database: Database, relations: Relations, values: Values) -> Iterator[Line]:
    """Tell a key that does not tell the rows apart: a run would blame the data for what the file says wrongly."""
    for name, one in parameters.resources.items():
        few = f"select tenant, source_id from {{refined}} as one limit {FIRST}"
        select = f"select count(*) as rows, count(distinct (tenant, source_id)) as ids from ({few}) as few"
        try:
            filled = relations.fill(select, {"resource": name})
            frame = database.query(filled.sql, {**values, **filled.values}).frame
        except (QueryError, RelationMissing):
            continue  # what the table lacks is told beside it
        rows, ids = int(frame["rows"][0]), int(frame["ids"][0])
        if ids < rows:
            where = place_of(parameters.path, ("resources", name, "key"))
            words = f"{rows:,} rows have {plural(ids, 'value')} of {', '.join(one.key)}"
            yield Line("keys", None, f"{where}: {words}: it is not the key, or rows are there twice")


def _states(parameters: Parameters, database: Database, relations: Relations, values: Values) -> Iterator[Line]:
    """Name the states of raw records and of runs that the file does not explain: no check knows what they mean."""
    for section, (select, states) in WORDS.items():
        table = getattr(parameters, section)
        if not (table and parameters.resources and "state" in table.columns):
            continue
        try:
            filled = relations.fill(select)
            words = database.query(filled.sql, {**values, **filled.values}).frame["word"]
        except RelationMissing:
            continue  # what the table lacks is told beside it
        except QueryError as error:
            yield Line(section, None, f"the states were not looked at: {error}")
            continue
        if found := set(words.dropna()) - set(states):
            where = place_of(parameters.path, (section, "states"))
            named = sorted(filter(STATE.fullmatch, found))[:MOST_NAMED]
            others = [f"{len(found) - len(named)} more"] if len(found) > len(named) else []
            told = " and ".join([", ".join(named), *others] if named else others)
            held = f"{table.columns['state']} holds {told}, which the file does not explain"
            yield Line(section, False, f"{where}: {held}; each of them is one of {', '.join(states)}")


def _own_checks(parameters: Parameters, database: Database, relations: Relations, values: Values) -> Iterator[Line]:
    """Let PostgreSQL plan each of the user's own queries: a mistake in one shows now, and not at the end of a run."""
    for check in checks.own_checks(parameters.path.with_suffix("") / "checks").values():
        scopes = checks.plan_check(check, parameters).scopes[:1]
        item = {check.each: scopes[0][check.each]} if check.each and scopes else {}
        try:
            for part in (check.examined, check.query) if scopes else ():
                filled = relations.fill(part, item)
                database.explain(filled.sql, [{**values, **filled.values}])
        except (QueryError, RelationMissing) as error:
            yield Line(check.path.name, False, str(error))
        else:
            yield Line(check.path.name, True if scopes else None, "can be run" if scopes else "has nothing to run on")
