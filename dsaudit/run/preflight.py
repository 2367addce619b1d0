"""What `dsaudit check` says: every way into a system, tried once, and what a run would do with it."""

from __future__ import annotations

import os
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from dsaudit import catalogue, checks
from dsaudit.database import Database, DatabaseError, QueryError, RelationMissing
from dsaudit.database.bindings import bindings
from dsaudit.database.expressions import value_of
from dsaudit.database.identity import guard, identify
from dsaudit.database.inference import Inferred, completed, infer
from dsaudit.database.relations import Relations
from dsaudit.monitoring import given
from dsaudit.parameters import Parameters, baseline, place_of
from dsaudit.parameters.secret import SecretMissing, from_environment
from dsaudit.probes import forging
from dsaudit.verdict.card import plural
from dsaudit.verdict.masking import Mask, load_key

Reachable = Callable[[Parameters], Iterator[tuple[str, str | None]]]
Tried = Callable[[Parameters], Iterator[tuple[tuple[str | int, ...], bool | None, str]]]
Values = Mapping[str, Any]  # what every query may bind
Estimated = Callable[[Parameters], Iterator[tuple[str, bool, str]]]
STATES = ("pending", "processed", "error", "skipped", "held")
FIRST = 1_000_000  # rows of a table that are looked at for what its columns hold
MOST_NAMED = 3
NUMBER_OR_UUID = re.compile(r"\d+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
STATE = re.compile(r"[A-Za-z][A-Za-z_ -]{0,30}")  # another may be anything


@dataclass(frozen=True)
class Line:
    """One way in: open (True), shut (False), or not given (None)."""

    way: str
    ok: bool | None
    words: str


def preflight(parameters: Parameters, reachable: Reachable, tried: Tried, estimated: Estimated) -> Iterator[Line]:
    """Yield a line for each way in, and last what will run and what will be skipped."""
    parameters, inferred = _completed(parameters)
    yield from _provider(parameters)
    yield from _database(parameters)
    yield from (Line("inferred", True, str(one)) for one in inferred)
    yield from _source(parameters, reachable, tried, estimated)
    for name in ("code", "documents", "raw", "deliveries", "syncs", "record"):
        section = getattr(parameters, name)
        yield Line(name, None if section is None else True, "not given" if section is None else "given")
    yield from _probe(parameters)
    yield _live(parameters)
    yield from _monitoring(parameters)
    yield _baseline(parameters)
    yield from _plan(parameters)


def _provider(parameters: Parameters) -> Iterator[Line]:
    """Tell a provider that the catalogue does not have: it may be mistyped, or wait for a file of its own."""
    try:
        catalogue.load(parameters.provider_file)
    except catalogue.ProviderError as error:
        for line in str(error).splitlines():
            yield Line("provider", None, f"{place_of(parameters.path, ('provider',))}: {line}")


def _probe(parameters: Parameters) -> Iterator[Line]:
    """Tell what a run will send to our webhook address, before it does."""
    given = parameters.webhooks and parameters.webhooks.probe
    if not given:
        yield Line("probe", None, "not given, so no forged delivery is sent (webhooks.probe)")
        return
    try:
        scheme = catalogue.load(parameters.provider_file).signature
        secret = from_environment(given.secret_env) if given.secret_env else None
    except (catalogue.ProviderError, SecretMissing) as error:
        yield Line("probe", False, str(error).splitlines()[0])
        return
    if scheme is None:
        where = place_of(parameters.path, ("webhooks", "probe"))
        yield Line("probe", False, f"{where}: the provider's file does not tell how deliveries are signed")
        return
    kinds = forging.kinds(parameters, scheme)
    forged = plural(len(kinds) - (forging.GENUINE in kinds), "forged delivery", "forged deliveries")
    also = ", and a genuine deletion of what nobody has twice" if forging.GENUINE in kinds else ""
    signed = "" if secret else "; with secret_env there would be more"
    address = (
        given.url.partition("?")[0].rpartition("@")[2]
        if given.url
        else given.url_env or "the address that is registered"
    )
    yield Line("probe", True, f"a run sends {forged} to {address}, each to be refused{also}{signed}")


def _completed(parameters: Parameters) -> tuple[Parameters, list[Inferred]]:
    """Return the parameters with what is inferred for them; without a connection, as they are."""
    try:
        database = Database.open(parameters.database)
    except DatabaseError:
        return parameters, []
    try:
        inferred, catalogue = infer(parameters, database), database.catalogue()
    except QueryError:
        return parameters, []
    finally:
        database.close()
    return completed(parameters, inferred, catalogue), inferred


def _monitoring(parameters: Parameters) -> Iterator[Line]:
    if parameters.monitoring is None:
        yield Line("monitoring", None, "not given")
        return
    rules = given.read(parameters)
    for name, problem in rules.problems.items():
        yield Line("monitoring", False, f"{place_of(parameters.path, ('monitoring', 'rules'))}: {name}: {problem}")
    if not rules.problems:
        yield Line("monitoring", True, plural(sum(rule.is_alert for rule in rules.rules), "alert rule"))


def _live(parameters: Parameters) -> Line:
    """Say what a run would do at the source if it were asked to; nothing is tried, as that would be doing it."""
    live = parameters.live
    if live is None:
        return Line("live", None, "not given")
    whose = live.tenant or parameters.whole.tenant_names[0]
    does = f"a {live.resource} of {whose} would be created, updated three times and deleted at the source"
    if not os.environ.get(live.token_env):
        where = place_of(parameters.path, ("live", "token_env"))
        return Line("live", False, f"{where}: {live.token_env} is not set; with --live, {does}")
    return Line("live", True, f"with --live, {does}; without, nothing is")


def _baseline(parameters: Parameters) -> Line:
    try:
        found = baseline.load(parameters, Mask(load_key(parameters.integration))).checks
    except baseline.BaselineError as error:
        return Line("baseline", False, str(error))
    told = [f"{plural(len(one.findings), 'row')} of {name} until {one.expires}" for name, one in found.items()]
    return Line("baseline", True if told else None, f"accepts {', '.join(told)}" if told else "not given")


def _database(parameters: Parameters) -> Iterator[Line]:
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
    """Name the raw records' states that the file does not explain: no check knows what they mean."""
    if not (parameters.raw and parameters.resources and "state" in parameters.raw.columns):
        return
    select = f"select distinct state from (select state from {{raw}} as one limit {FIRST}) as few"
    try:
        filled = relations.fill(select)
        found = set(database.query(filled.sql, {**values, **filled.values}).frame["state"].dropna()) - set(STATES)
    except RelationMissing:
        return
    except QueryError as error:
        yield Line("raw", None, f"the states were not looked at: {error}")
        return
    if found:
        where, column = place_of(parameters.path, ("raw", "states")), parameters.raw.columns["state"]
        named = sorted(filter(STATE.fullmatch, found))[:MOST_NAMED]
        others = [f"{len(found) - len(named)} more"] if len(found) > len(named) else []
        words = f"{column} holds {' and '.join([', '.join(named), *others] if named else others)}, which the file does "
        yield Line("raw", False, f"{where}: {words}not explain; each of them is one of {', '.join(STATES)}")


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


def _source(parameters: Parameters, reachable: Reachable, tried: Tried, estimated: Estimated) -> Iterator[Line]:
    if parameters.source is None:
        yield Line("source", None, "not given")
        return
    answers = True
    for name, problem in reachable(parameters):
        answers = answers and problem is None
        yield Line(f"source of {name}", problem is None, problem or "answers")
    for keys, ok, words in tried(parameters) if answers else ():
        where = ".".join(map(str, keys)) if ok else place_of(parameters.path, keys)
        yield Line("source", ok, f"{where}: {words}")
    for name, ok, words in estimated(parameters) if answers else ():
        yield Line(f"reading {name}", ok, words)


def _plan(parameters: Parameters) -> Iterator[Line]:
    from dsaudit.run import find_blueprint

    for name in parameters.blueprints:
        plan = checks.plan(find_blueprint(parameters, name), parameters)
        skipped: dict[str, list[str]] = {}
        for planned in plan:
            if planned.skipped:
                skipped.setdefault(planned.skipped, []).append(planned.check.name)
        count = sum(map(len, skipped.values()))
        yield Line(name, True, f"{plural(len(plan) - count, 'check')} would run, {count} be skipped")
        for reason, names in sorted(skipped.items(), key=lambda one: -len(one[1])):
            listed = textwrap.fill(", ".join(names), 100, initial_indent="    ", subsequent_indent="    ")
            yield Line("skipped", None, f"{len(names)}: {reason}\n{listed}")
