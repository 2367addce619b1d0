"""Starts one sync of each resource as the file says, and waits for its run to be recorded."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from dsaudit.facts.starting import Answer, NotStarted, ask, names_resource
from dsaudit.parameters.action import LONGEST_WAIT
from dsaudit.source.collecting import tenants_of
from dsaudit.source.recording import STARTED

if TYPE_CHECKING:
    from pathlib import Path

    from dsaudit.audit import Audit
    from dsaudit.parameters import Tenant
    from dsaudit.parameters.starting import Start

PAUSE = 0.5  # seconds between two looks
GRACE = 2.0  # seconds that the runs of further resources may begin after the one that was asked for
LONGEST = 200.0 + LONGEST_WAIT  # seconds of all waits together; the cell that waits has 900
RUNS = """
select tenant, resource, started_at, ended_at, fetched, pages, state,
  started_at >= clock_timestamp() - make_interval(secs => %(seconds)s) as since
from {syncs} as s where started_at > clock_timestamp() - interval '1 day' or ended_at is null
order by started_at nulls last
"""
OUTCOMES = {"failed": "failed", "skipped": "skipped"}  # of a run, by its state


@dataclass(frozen=True)
class Started:
    """A sync that was started, and its run as the integration recorded it.

    outcome: completed, failed, refused, silent (no run was recorded), unknown (nothing shows that it went wrong). Of
    a command that failed, `output` has the last lines.
    """

    tenant: str
    resource: str
    outcome: str
    told: str = ""
    fetched: int | None = None
    pages: int | None = None
    seconds: float | None = None
    output: str = ""


Run = dict[str, Any]  # as the table of sync runs has it


@dataclass
class _Watch:
    """The runs of the resources that one start is to sync, as far as they began after it."""

    audit: Audit
    tenant: str
    names: list[str]

    def __post_init__(self) -> None:
        self.clock = time.monotonic()
        self.new: dict[str, list[Run]] = {}
        self.is_noted_at_start = False  # whether a run was seen in the table that had not ended
        self.known = {_key(run) for run in self._runs()}

    def look(self) -> None:
        """Note the runs that are new by now; raises `QueryError` where the database does not answer."""
        self.new = {name: [] for name in self.names}
        for run in self._runs():
            if run["tenant"] == self.tenant and run["resource"] in self.new and _key(run) not in self.known:
                self.new[run["resource"]].append(run)

    def begun(self, name: str) -> list[Run]:
        """Return the syncs of the resource that have begun since the first of these was asked for."""
        return [run for run in self.new.get(name, ()) if run["since"]]

    def has_ended(self, name: str) -> bool:
        """Return whether a sync of the resource has begun and none is under way."""
        return bool(self.begun(name)) and all(run["ended_at"] is not None for run in self.begun(name))

    def _runs(self) -> list[Run]:
        audit = self.audit
        asked = audit.relations.fill(RUNS, None, None)
        # By the integration's clock it may have begun a little before it was asked for.
        seconds = time.monotonic() - self.clock + audit.parameters.policy.clock_error_seconds
        bound = {**audit.values(), **asked.values, "seconds": seconds}
        frame = audit.database.now().query(asked.sql, bound, most=None).frame
        runs = [
            {str(name): None if pd.isna(value) else value for name, value in row.items()}
            for row in frame.to_dict("records")
        ]
        self.is_noted_at_start |= any(run["ended_at"] is None for run in runs)
        return runs


def _key(run: Run) -> tuple[Any, ...]:
    return run["tenant"], run["resource"], run["started_at"]


def started_syncs(audit: Audit) -> list[Started] | None:
    """Start a sync of each resource of each tenant and return what came of them; None if a replayed run started none.

    Raises
    ------
    QueryError, RelationMissing
        The runs cannot be read.
    """
    if audit.parameters.source and not audit.asks_anew and audit.source.replayed:
        return started_before(audit)
    path, known = _path(audit), []
    path.parent.mkdir(mode=0o700, exist_ok=True)
    for one in _start_all(audit):
        known.append(one)
        path.write_text(json.dumps([asdict(one) for one in known]), encoding="utf-8")
    return known


def started_before(audit: Audit) -> list[Started] | None:
    """Return what came of the syncs that this audit has started, or the run whose reading is used; None of none."""
    if audit.parameters.source and not audit.asks_anew:
        assert audit.source.folder  # where a run's reading is used, it is copied to here now
    path = _path(audit)
    return [Started(**line) for line in json.loads(path.read_text(encoding="utf-8"))] if path.is_file() else None


def _path(audit: Audit) -> Path:
    return audit.private / "recording" / STARTED  # where the recording lies, or will


def _start_all(audit: Audit) -> Iterator[Started]:
    """Start each sync function once for each tenant; a resource that this does not sync is started by itself."""
    assert audit.parameters.syncs is not None and audit.parameters.syncs.run is not None
    given = audit.parameters.syncs.run
    latest = time.monotonic() + LONGEST - given.wait_seconds
    functions: dict[str, list[str]] = {}
    for name, resource in audit.parameters.resources.items():
        if resource.sync:
            functions.setdefault(resource.sync, []).append(name)
    for tenant in tenants_of(audit.parameters):
        for names in functions.values():
            watch = _Watch(audit, tenant.name, names)
            answers = _started(watch, given, tenant, latest)
            for name in names:
                is_own = len(names) == 1 or (name in answers and names_resource(given))
                yield _judged(watch, name, answers.get(name, answers[names[0]]), is_own)


def _started(watch: _Watch, given: Start, tenant: Tenant, latest: float) -> dict[str, Answer]:
    """Ask for each resource of which no sync was begun by what was asked before, and wait for its run to end."""
    answers: dict[str, Answer] = {}
    for name in watch.names:
        if watch.begun(name):
            continue
        if time.monotonic() > latest:
            answers[name] = Answer("open", "not started, as those before it took too long")
            continue
        kind = watch.audit.parameters.resources[name].raw or name
        asked = time.monotonic()
        try:
            answers[name] = ask(watch.audit.parameters, given, tenant, kind)
        except NotStarted as error:
            answers[name] = Answer("open", str(error))
            continue
        by_resource = names_resource(given)
        means = answers[name].means
        _wait(watch, [name] if by_resource else watch.names, asked + given.wait_seconds, means)
        if len(answers) > 1 and means in ("refused", "turned away"):
            # It may be synced with the first alone, and that may be under way.
            answers[name] = Answer("open", answers[name].told)
        if not by_resource:
            break
    return answers


def _wait(watch: _Watch, asked_for: list[str], until: float, means: str) -> None:
    """Look until the syncs that were asked for have ended, and others that begin with them."""
    ended: float | None = None
    while True:
        watch.look()
        now = time.monotonic()
        if all(watch.has_ended(name) for name in asked_for):
            ended = ended or now
        is_whole = all(watch.has_ended(name) for name in watch.names) or (ended and now > ended + GRACE)
        if is_whole or now > until or means not in ("taken", "open"):
            return
        time.sleep(PAUSE)


def _judged(watch: _Watch, name: str, answer: Answer, is_own: bool) -> Started:
    """Return what came of the sync of a resource; the answer `is_own` where it was asked for by itself."""
    runs = watch.begun(name)
    if not runs:
        outcome, told = _without_run(watch, name, answer)
        return Started(watch.tenant, name, outcome, told, output=answer.output if outcome == "failed" else "")
    last, is_taken = runs[-1], answer.means in ("taken", "open", "stopped")
    outcomes = {OUTCOMES.get(run["state"], "completed") for run in runs}
    outcome, told = outcomes.pop(), "" if is_taken else answer.told
    if answer.means == "failed" and is_own:
        outcome = "failed"
    elif answer.means == "failed" and outcome == "completed":
        outcome, told = "unknown", f"{answer.told}, which syncs others too"
    elif not watch.has_ended(name):
        outcome, told = "unknown", answer.told if answer.means == "stopped" else "it has not ended"
    elif outcome == "skipped":
        outcome, told = "unknown", "its run says that it was skipped, as what is switched off"
    elif outcomes:
        outcome, told = "unknown", f"{len(runs)} runs have begun, and not all of them failed"
    elif outcome == "completed" and not is_taken:
        outcome, told = "unknown", f"{answer.told}, so the run that has completed may be another"
    fetched, pages = (None if last[figure] is None else int(last[figure]) for figure in ("fetched", "pages"))
    seconds = None if last["ended_at"] is None else (last["ended_at"] - last["started_at"]).total_seconds()
    took = None if seconds is None else round(float(seconds), 3)
    output = answer.output if outcome == "failed" else ""
    return Started(watch.tenant, name, outcome, told, fetched, pages, took, output)


def _without_run(watch: _Watch, name: str, answer: Answer) -> tuple[str, str]:
    """Return outcome and reason where no run has begun since it was asked for."""
    means, told = answer.means, answer.told
    if means == "failed":
        return "failed", told
    if watch.new.get(name):
        return "unknown", f"{told}; a run was recorded, which says that it began earlier"
    if means in ("open", "stopped", "turned away"):
        return "unknown", told
    if means == "refused":
        return "refused", told
    if not watch.is_noted_at_start:
        return "unknown", f"{told}; no run was recorded, but it may be waiting, or be recorded when it ends"
    return "silent", told
