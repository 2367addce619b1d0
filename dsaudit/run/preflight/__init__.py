"""What `dsaudit check` says: every way into a system, tried once, and what a run would do with it."""

from __future__ import annotations

import textwrap
from collections import deque
from collections.abc import Callable, Iterator

from dsaudit import catalogue, checks, logs
from dsaudit.database import Database, DatabaseError, QueryError
from dsaudit.database.inference import Inferred, completed, infer
from dsaudit.evidence import signing
from dsaudit.parameters import Parameters, baseline, place_of
from dsaudit.run.preflight import acting, watched
from dsaudit.run.preflight.line import Line, not_given
from dsaudit.run.preflight.own_tests import own_tests
from dsaudit.run.preflight.tables import database_ways
from dsaudit.verdict.card import plural
from dsaudit.verdict.masking import Mask, load_key

Reachable = Callable[[Parameters], Iterator[tuple[str, str | None]]]
Tried = Callable[[Parameters], Iterator[tuple[tuple[str | int, ...], bool | None, str]]]
Estimated = Callable[[Parameters], Iterator[tuple[str, bool, str]]]
Ways = Callable[[Parameters], Iterator[tuple[tuple[str, ...], bool | None, str]]]

SECTIONS = ("code", "documents", "raw", "deliveries", "syncs", "record")
BACKGROUND = ("api", "worker", "schedule", "flag", "outage", "bad_record", "new_record", "ready", "apis")
TRIED = 50  # megabytes of logs that are read to try them


def preflight(
    parameters: Parameters, reachable: Reachable, tried: Tried, estimated: Estimated, ways: Ways
) -> Iterator[Line]:
    """Yield a line for each way in, one for all that are not given, and last what will run and what will be skipped."""
    parameters, inferred = _completed(parameters)
    absent = []
    for line in _ways_in(parameters, inferred, reachable, tried, estimated, ways):
        if line == not_given(line.way):
            absent.append(line.way)
        else:
            yield line
    if absent:
        yield Line("not given", None, ", ".join(absent))
    yield from _plan(parameters)


def _ways_in(
    parameters: Parameters,
    inferred: list[Inferred],
    reachable: Reachable,
    tried: Tried,
    estimated: Estimated,
    ways: Ways,
) -> Iterator[Line]:
    yield from _provider(parameters)
    yield from database_ways(parameters)
    yield from (Line("inferred", True, str(one)) for one in inferred)
    yield from _source(parameters, reachable, tried, estimated)
    for name in SECTIONS:
        yield not_given(name) if getattr(parameters, name) is None else Line(name, True, "given")
    yield from acting.probe(parameters)
    yield acting.live(parameters)
    yield from _background(parameters, ways)
    yield from _logs(parameters)
    yield from watched.monitoring(parameters)
    yield from own_tests(parameters)
    yield _migrations(parameters)
    yield acting.started(parameters)
    yield acting.pushed(parameters)
    yield from acting.flowed(parameters)
    yield _baseline(parameters)
    yield _signing(parameters)


def _provider(parameters: Parameters) -> Iterator[Line]:
    """Tell a provider that the catalogue does not have: it may be mistyped, or wait for a file of its own."""
    try:
        catalogue.load(parameters.provider_file)
    except catalogue.ProviderError as error:
        for line in str(error).splitlines():
            yield Line("provider", None, f"{place_of(parameters.path, ('provider',))}: {line}")


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


def _background(parameters: Parameters, ways: Ways) -> Iterator[Line]:
    """Ask the APIs, and the workers and the schedule of a background sync."""
    for keys, ok, words in ways(parameters):
        where = "" if ok else f"{place_of(parameters.path, keys)}: "
        yield Line(".".join(keys[:2]) if ok else keys[0], ok, f"{where}{words}")
    yield from (not_given(name) for name in BACKGROUND if getattr(parameters, name) is None)


def _logs(parameters: Parameters) -> Iterator[Line]:
    """Read the newest part of the application's logs, as a run reads more of it."""
    if parameters.logs is None:
        yield not_given("logs")
        return
    notes = logs.Notes()
    deque(logs.read(parameters, logs.since_of(parameters), notes, TRIED), maxlen=0)  # for the notes alone
    where = place_of(parameters.path, ("logs",))
    for problem in notes.problems:
        yield Line("logs", False, f"{where}: {problem}")
    if notes.is_unreadable:
        yield Line("logs", False, f"{where}: most of it could not be read; an object of JSON is expected on each line")
    elif notes.first and notes.last:
        span = f"lines from {notes.first:%Y-%m-%d %H:%M:%S} to {notes.last:%Y-%m-%d %H:%M:%S} UTC"
        named = f"{notes.naming:,} of {notes.lines:,} name a delivery or a record"
        yield Line("logs", True, f"{plural(len(notes.files), 'file')}, {span}; {named}")
    elif not notes.problems:
        days = parameters.policy.latency_days
        yield Line(
            "logs", None, f"{plural(len(notes.files), 'file')} of the last {days} days, and no line that can be read"
        )
    yield from (Line("logs", None, limit) for limit in notes.limits() if limit not in notes.problems)


def _migrations(parameters: Parameters) -> Line:
    """Look for what is named; the project itself is started by a run alone, beside its scratch database."""
    if parameters.migrations is None:
        return not_given("migrations")
    for key in ("config", "python"):
        given = getattr(parameters.migrations, key)
        if given and (key == "config" or "/" in given) and not parameters.folder(given).is_file():
            where = place_of(parameters.path, ("migrations", key))
            return Line("migrations", False, f"{where}: there is no file {given}")
    ran_by = parameters.migrations.python or "the Python that runs dsaudit"
    return Line("migrations", True, f"{parameters.migrations.config}, by {ran_by}; nothing of it is run yet")


def _baseline(parameters: Parameters) -> Line:
    try:
        found = baseline.load(parameters, Mask(load_key(parameters.integration))).checks
    except baseline.BaselineError as error:
        return Line("baseline", False, str(error))
    told = [f"{plural(len(one.findings), 'row')} of {name} until {one.expires}" for name, one in found.items()]
    return Line("baseline", True, f"accepts {', '.join(told)}") if told else not_given("baseline")


def _signing(parameters: Parameters) -> Line:
    try:
        key = signing.signing_key(parameters)
    except signing.SigningError as error:
        where = place_of(parameters.path, ("evidence", "signing_key_env"))
        return Line("signing", False, f"{where}: {error}")
    return Line("signing", True, f"by {signing.key_id(key.public_key())}") if key else not_given("signing")


def _source(parameters: Parameters, reachable: Reachable, tried: Tried, estimated: Estimated) -> Iterator[Line]:
    if parameters.source is None:
        yield not_given("source")
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

    if len(parameters.blueprints) > 1:
        yield Line("blueprints", True, f"a run takes one: --blueprint {' or '.join(parameters.blueprints)}")
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
