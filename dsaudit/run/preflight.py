"""What `dsaudit check` says: every way into a system, tried once, and what a run would do with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from dsaudit import checks
from dsaudit.database import Database, DatabaseError, QueryError, RelationMissing
from dsaudit.database.identity import guard, identify
from dsaudit.database.inference import Inferred, completed, infer
from dsaudit.database.relations import Relations, bindings
from dsaudit.parameters import Parameters, baseline
from dsaudit.verdict.card import plural
from dsaudit.verdict.masking import Mask, load_key

Reachable = Callable[[Parameters], Iterator[tuple[str, str | None]]]
Estimated = Callable[[Parameters], Iterator[tuple[str, str]]]


@dataclass(frozen=True)
class Line:
    """One way in: open (True), shut (False), or not given (None)."""

    way: str
    ok: bool | None
    words: str


def preflight(parameters: Parameters, reachable: Reachable, estimated: Estimated) -> Iterator[Line]:
    """Yield a line for each way in, and last what will run and what will be skipped."""
    parameters, inferred = _completed(parameters)
    yield from _database(parameters)
    yield from (Line("inferred", True, str(one)) for one in inferred)
    yield from _source(parameters, reachable, estimated)
    for name in ("code", "documents", "raw", "deliveries", "syncs", "record"):
        section = getattr(parameters, name)
        yield Line(name, None if section is None else True, "not given" if section is None else "given")
    yield _baseline(parameters)
    yield from _plan(parameters)


def _completed(parameters: Parameters) -> tuple[Parameters, list[Inferred]]:
    """Return the parameters with what is inferred for them; without a connection, as they are."""
    try:
        database = Database.open(parameters.database)
    except DatabaseError:
        return parameters, []
    try:
        inferred = infer(parameters, database)
    except QueryError:
        return parameters, []
    finally:
        database.close()
    return completed(parameters, inferred), inferred


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
        yield from _tables(parameters, database)
        yield from _own_checks(parameters, database)
    except DatabaseError as error:
        yield Line("database", False, str(error))
    finally:
        database.close()


def _tables(parameters: Parameters, database: Database) -> Iterator[Line]:
    """Let PostgreSQL plan a reading of all that is declared: a column that a table lacks shows now."""
    relations = Relations(parameters, database.catalogue())
    values = bindings(parameters, identify(database).time)
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


def _own_checks(parameters: Parameters, database: Database) -> Iterator[Line]:
    """Let PostgreSQL plan each of the user's own queries: a mistake in one shows now, and not at the end of a run."""
    relations = Relations(parameters, database.catalogue())
    values = bindings(parameters, identify(database).time)
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


def _source(parameters: Parameters, reachable: Reachable, estimated: Estimated) -> Iterator[Line]:
    if parameters.source is None:
        yield Line("source", None, "not given")
        return
    answers = True
    for name, problem in reachable(parameters):
        answers = answers and problem is None
        yield Line(f"source of {name}", problem is None, problem or "answers")
    for name, words in estimated(parameters) if answers else ():
        yield Line(f"reading {name}", True, words)


def _plan(parameters: Parameters) -> Iterator[Line]:
    from dsaudit.run import find_blueprint

    for name in parameters.blueprints:
        plan = checks.plan(find_blueprint(parameters, name), parameters)
        skipped = Counter(planned.skipped for planned in plan if planned.skipped)
        words = f"{len(plan) - sum(skipped.values())} checks would run, {sum(skipped.values())} be skipped"
        yield Line(name, True, words)
        for reason, count in skipped.most_common():
            yield Line("skipped", None, f"{count}: {reason}")
