"""Runs flows: their copies at once, then away with all that they made, whatever became of them."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dsaudit.background import kept
from dsaudit.background.calls import NotCalled, refuse_unless_acting
from dsaudit.background.kept import Seen, undone
from dsaudit.database import QueryError, RelationMissing
from dsaudit.flows import schemas
from dsaudit.flows.walking import Walk
from dsaudit.parameters.flows import Flow, flow_of
from dsaudit.parameters.ids import id_text, kind_of
from dsaudit.pushing import rows
from dsaudit.pushing.whose import whose
from dsaudit.verdict.card import plural
from dsaudit.wording import span

if TYPE_CHECKING:
    from dsaudit.audit import Audit
    from dsaudit.progress import Progress

NAME = "flows"
LOOKS = 0.5  # seconds between two lines of progress
PAUSE = 0.1  # seconds between two looks whether all is gone


def flows_done(audit: Audit) -> dict[str, Seen] | None:
    """Do all flows of the file, unless this run has done so; what was seen of each, by its name.

    None in a replay of a run that did not. What is seen is as `ran` returns it.
    """
    return kept.seen(
        audit, NAME, lambda one, told: {flow.name: ran(one, flow.name, told) for flow in one.parameters.flows}
    )


def flows_done_before(audit: Audit) -> dict[str, Seen] | None:
    """Return what was seen of them, None where none was done; a table does none."""
    return kept.before(audit, NAME)


def ran(audit: Audit, name: str, progress: Progress, before_removal: Callable[[], None] | None = None) -> Seen:
    """Do one flow now, take away what it has made, and return what became of it.

    `before_removal` is called when its steps are done and all is still there, as to read metrics; it is not called
    where nothing can be said of the flow.

    Keys: ``problem`` (why nothing can be said, or None), ``schema_problem`` (why no answer was held against a schema),
    ``told`` (what else is to be known), ``seconds`` (of the slowest copy, None where one did not reach its end),
    ``claims``, ``fitted`` and ``refused`` (how much was looked at), ``steps`` (copy, step, status, seconds, tries,
    outcome), ``wrong`` (copy, step, what, expected, found, answered), ``misfits`` (copy, step, status, at, problem),
    ``careless`` (copy, step, status, problem), ``made`` (how many rows came), ``remaining`` (resource, source_id,
    problem), ``is_checked`` (whether what remains was looked for), ``left`` (what was not taken away, or None).

    Raises
    ------
    NotAllowed
        Acting was not asked for, or the system is in production.
    """
    flow = flow_of(audit.parameters.whole, name)
    assert flow, name
    return _Run(audit, flow, progress).run(before_removal)


def nothing() -> Seen:
    """Return what is seen of a flow of which nothing is."""
    lists: Seen = {name: [] for name in ("told", "steps", "wrong", "misfits", "careless", "remaining")}
    none = dict.fromkeys(("problem", "schema_problem", "seconds", "left"))
    return {**lists, **none, **dict.fromkeys(("claims", "fitted", "refused", "made"), 0), "is_checked": False}


@dataclass
class _Run:
    audit: Audit
    flow: Flow
    progress: Progress
    found: Seen = field(default_factory=nothing)
    mark: str = field(default_factory=lambda: f"dsaudit-{secrets.token_hex(4)}")
    stop: threading.Event = field(default_factory=threading.Event)
    pool: ThreadPoolExecutor | None = None
    walks: list[Walk] = field(default_factory=list)
    before: rows.Keys = field(default_factory=dict)

    def run(self, before_removal: Callable[[], None] | None) -> Seen:
        """Do all of it, and return what was seen; what keeps it from going on is told."""
        refuse_unless_acting(self.audit.parameters)
        flow = self.flow
        try:
            owner = whose(self.audit, flow.tenant, flow.tenancy, f"tenancy` of the flow `{flow.name}")
            self.before = rows.keys(self.audit)
        except (NotCalled, QueryError, RelationMissing) as error:
            return {**self.found, "problem": str(error)}
        known = self._schemas()
        self.walks = [
            Walk(self.audit, flow, owner, number, f"{self.mark}-{number}", self.stop, known)
            for number in range(1, flow.at_once + 1)
        ]
        what = f"what the flow {flow.name} made, marked {self.mark}"
        with undone(self.audit, what, self._removed) as left:
            self._walked()
            if before_removal and not self._problem:
                before_removal()
        if left:
            self.found["left"] = f"still there, to be deleted by hand: {left[-1]}"
        return {**self.found, **self._summed()}

    def _schemas(self) -> schemas.Schemas | None:
        given = self.audit.parameters.whole.answers
        try:
            return schemas.read(self.audit.parameters.folder(given)) if given else None
        except schemas.SchemaError as error:
            self.found["schema_problem"] = f"{given}: {error}"
            return None

    def _walked(self) -> None:
        """Do the steps of all copies; they end soon where this is interrupted, and before anything is taken away."""
        begun = time.monotonic()
        self.pool = ThreadPoolExecutor(len(self.walks), thread_name_prefix=self.flow.name)
        under_way: set[Future[None]] = {self.pool.submit(walk.walk) for walk in self.walks}
        done = set[Future[None]]()
        while under_way:
            spent = span(round(time.monotonic() - begun, 1))
            self.progress(f"doing the flow {self.flow.name}, {spent}")
            ended, under_way = wait(under_way, LOOKS)
            done |= ended
        for one in done:
            one.result()

    @property
    def _problem(self) -> str | None:
        return next((walk.problem for walk in self.walks if walk.problem), None)

    def _summed(self) -> Seen:
        """Return what was seen of all copies."""
        lists = {
            name: [row for walk in self.walks for row in getattr(walk, name)]
            for name in ("steps", "wrong", "misfits", "careless")
        }
        counts = {name: sum(getattr(walk, name) for walk in self.walks) for name in ("claims", "fitted", "refused")}
        times = [walk.seconds for walk in self.walks]
        told = [*self.found["told"], *dict.fromkeys(one for walk in self.walks for one in walk.told)]
        slowest = None if None in times else max(time for time in times if time is not None)
        return {**lists, **counts, "problem": self._problem, "told": told, "seconds": slowest}

    # Its end

    def _removed(self) -> str | None:
        """Take away what all copies have made, and return what is left of it, or None."""
        self.stop.set()
        if self.pool:
            self.pool.shutdown(wait=True)  # what is asked for just now is answered first, and so known
        begun = time.monotonic()
        self.progress(f"taking away what the flow {self.flow.name} made")
        made, unknown = rows.Keys(), None
        try:
            made = self._made()
        except (QueryError, RelationMissing) as error:
            unknown = f"nobody could look what it has made: {error}"
        failed = [
            {"resource": None, "source_id": None, "problem": f"{name}: {why}"}
            for walk in self.walks
            for name, why in walk.removed()
            if why
        ]
        if unknown:
            return unknown
        self.found["made"] = sum(map(len, made.values()))
        try:
            while remaining := rows.still_there(self.audit, made):
                if failed or time.monotonic() - begun > self.flow.wait_seconds:
                    break
                time.sleep(PAUSE)
            late = self._made()  # what came while the rest was taken away
        except (QueryError, RelationMissing) as error:
            return f"nobody could look whether it is gone: {error}"
        there = {(row["resource"], row["source_id"]) for row in remaining}
        there |= {(name, key) for name, own in late.items() for key in own}
        told = [{"resource": name, "source_id": key, "problem": "it is still there"} for name, key in sorted(there)]
        self.found["remaining"], self.found["is_checked"] = [*told, *failed], True
        words = [*([f"{plural(len(told), 'row')} remained"] if told else []), *(str(one["problem"]) for one in failed)]
        return "; ".join(words) or None

    def _made(self) -> rows.Keys:
        """Return the keys of the rows that are new and hold a mark or what was kept, and of what is tied to these."""
        new = rows.read(self.audit, rows.less(rows.keys(self.audit), self.before), self.mark)
        own = {(row.resource, row.key) for row in new if row.key in self._kept(row.resource)}
        made: rows.Keys = {}
        for row in rows.tied(self.audit, new, own):
            made.setdefault(row.resource, set()).add(row.key)
        return made

    def _kept(self, name: str) -> set[str]:
        """Return what all copies have kept, as the ids of a resource are written."""
        resource = self.audit.parameters.whole.resources[name]
        columns = self.audit.relations.whole.table(resource.table).columns
        kind = kind_of(columns.get(resource.key[0], "")) if len(resource.key) == 1 else None
        return {id_text(value, kind) for walk in self.walks for value in walk.kept.values()}
