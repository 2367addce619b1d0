"""The sections of a draft that speak of a sync in the background: its schedule, workers, API and flag.

Where the code has no schedule, nothing of this is drafted. That something may be done to the system is never drafted.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Sequence

from dsaudit import naming
from dsaudit.background import Entry, coded
from dsaudit.codebase.nodes import terminal
from dsaudit.drafting import code as reading
from dsaudit.drafting.code import Told
from dsaudit.drafting.draft import Draft
from dsaudit.drafting.routes import METHODS, Route, queues, routes

SYNC = re.compile(r"sync\w*|fetch|pull|import|ingest|backfill|refresh|poll|load|download")
BROKER = re.compile(r"\w*(BROKER|AMQP|RABBITMQ|REDIS)\w*(URL|URI|DSN)|(\w+_)?BROKER")
FLAG = re.compile(r"\w+_ENABLED|ENABLE_\w+")
HEALTH = ("healthz", "health", "health_check", "healthcheck")


def put_background(draft: Draft, told: Told, resources: Sequence[str], variable: str) -> None:
    """Set the sections of the sync that the code's schedule begins; `variable` begins the names of variables.

    It notes in `told` which resource it syncs, so that the resource's section can name the task.
    """
    found = coded.read(told.code) if told.code else None
    if told.code is None or found is None:
        return
    entries = coded.planned(found)
    chosen = [one for one in entries if any(map(SYNC.fullmatch, _words(one)))]
    if not chosen:
        if entries:
            draft.note("schedule", f"no entry of the code's schedule is called like a sync: {_listed(entries)}")
        elif found.unread:
            draft.ask("schedule", f"entry, and seconds or a crontab; {found.unread[0]}")
        return
    entry = max(chosen, key=lambda one: max((_likeness(one, name) for name in resources), default=(False, 0)))
    why = "the code has a schedule; a run takes one of them, by --blueprint"
    draft.put("blueprints", ["datasource", "background_sync"], why)
    _put_schedule(draft, entry, [one for one in entries if one is not entry])
    _put_worker(draft, told, entry, variable)
    _put_api(draft, told, entry, variable)
    _ask_flag(draft, told, entry)
    synced = [name for name in resources if _likeness(entry, name)[0]]
    best = max(synced, key=lambda name: _likeness(entry, name), default=None)
    if best and entry.task:
        told.scheduled[best] = entry.task.rpartition(".")[2]


def _words(entry: Entry) -> set[str]:
    return _singular(f"{entry.name} {entry.task.rpartition('.')[2]}")


def _singular(name: str) -> set[str]:
    return {naming.singular(word) for word in naming.parts(name)}


def _likeness(entry: Entry, resource: str) -> tuple[bool, int]:
    """Return whether an entry names what a resource is, and how many of its words."""
    words = _words(entry)
    return naming.parts(resource)[-1] in words, len(words & _singular(resource))


def _listed(entries: Iterable[Entry]) -> str:
    return ", ".join(f"{one.name} ({one.task or 'a task that only running tells'})" for one in entries)


def _put_schedule(draft: Draft, entry: Entry, others: Sequence[Entry]) -> None:
    if entry.seconds or entry.crontab:
        draft.put("schedule.entry", entry.name, "it is called like the sync; see the others" if others else None)
        how = "seconds" if entry.seconds else "crontab"
        why = f"as the code has it, {entry.where}; it should be what is documented for this environment"
        seconds = int(entry.seconds) if entry.seconds and entry.seconds.is_integer() else entry.seconds
        draft.put(f"schedule.{how}", seconds or entry.crontab, why)
        draft.put("schedule.zone", entry.zone or None)
        if entry.zone == "":
            draft.ask("schedule", "zone: the code sets a time zone that only running tells")
        draft.put("schedule.from", "code")
    else:
        draft.ask("schedule", f"seconds or a crontab of the entry {entry.name}; {entry.where}")
    if others:
        draft.note("schedule", f"other entries of the code's schedule: {_listed(others)}")


def _put_worker(draft: Draft, told: Told, entry: Entry, variable: str) -> None:
    if not entry.task:
        draft.ask("worker", f"broker_env and task; only running tells which task {entry.name} queues")
        return
    named = sorted(_named(told, BROKER), key=lambda name: ("BROKER" not in name, name))
    broker = named[0] if named else f"{variable}_BROKER"
    draft.put(
        "worker.broker_env", broker, "the code reads it" if named else "a name for the audit; the code shows none"
    )
    draft.variables[broker] = "the broker's address, as the workers have it"
    is_written = entry.task in told.texts
    draft.put("worker.task", entry.task, None if is_written else "by its module and function, from the code's folder")


def _put_api(draft: Draft, told: Told, entry: Entry, variable: str) -> None:
    """Set the requests that a route of the code answers: its health, and the one that queues the scheduled task."""
    assert told.code is not None
    known = [*routes(told.code)]
    queueing = [one for one in known if one.function and entry.task and queues(told.code, one.function, entry.task)]
    healthy = [one for one in known if one.method == "GET" and _last(one) in HEALTH]
    if not queueing and not healthy:
        return
    own = f"{variable}_APP_URL"
    draft.put("api.url_env", own, "a name for the audit")
    draft.variables[own] = "the address of the integration's own API"
    if healthy:
        best = min(healthy, key=lambda one: HEALTH.index(_last(one)))
        draft.put("api.health", best.path, f"by its name, {best.where}; see whether anything stands before the path")
    if queueing:
        best = min(queueing, key=lambda one: METHODS.index(one.method))
        why = f"it queues the task, {best.where}; see whether anything stands before the path"
        draft.put("api.sync", {"method": best.method, "path": best.path}, why)


def _last(route: Route) -> str:
    return route.path.rpartition("/")[2].replace("-", "_")


def _ask_flag(draft: Draft, told: Told, entry: Entry) -> None:
    """Name what may be the feature flag: those that have most words with the entry."""
    named = _named(told, FLAG)
    most = max((_shared(name, entry) for name in named), default=0)
    likely = sorted(name for name in named if _shared(name, entry) == most)
    if likely:
        words = f"{{name: {likely[0]}}}, if that turns the sync off; then shown, off and on"
        draft.ask("flag", words + (f" (or {', '.join(likely[1:])})" if likely[1:] else ""))


def _shared(name: str, entry: Entry) -> int:
    return len(_singular(name) & _words(entry))


def _named(told: Told, pattern: re.Pattern[str]) -> Collection[str]:
    """Return the environment variables and the settings of the code that are called so."""
    found = set(reading.variables(told))
    for module in told.code.modules.values() if told.code else ():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ClassDef) and "BaseSettings" in map(terminal, node.bases):
                fields = [one.target for one in node.body if isinstance(one, ast.AnnAssign)]
                found |= {field.id.upper() for field in fields if isinstance(field, ast.Name)}
        found |= {name for name in getattr(module.tables.get(module.tree), "bindings", ()) if name.isupper()}
    return {name for name in found if pattern.fullmatch(name)}
