"""Makes a record at the source, changes it, deletes it, and watches each change arrive; cleans up whatever happens."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dsaudit.database import QueryError
from dsaudit.handoff import LEFT
from dsaudit.live.changing import Changer
from dsaudit.live.steps import ACTIONS, Change, Look, Looker, Step
from dsaudit.parameters.secret import SecretMissing
from dsaudit.progress import Progress
from dsaudit.source.collecting import tenants_of
from dsaudit.source.reading import SourceError
from dsaudit.source.recording import LIVE
from dsaudit.wording import shown, span

if TYPE_CHECKING:
    from dsaudit.audit import Audit

BY_SYNC = "a sync brought the change first, so what the webhook brought may have been dropped as known"
PAUSE = 0.1  # seconds between two looks within the limit
LONGER_PAUSE = 0.5  # and beyond it
SECOND = 1.0
LONGEST = 600.0  # seconds after which no further change is begun; the cell that waits for all of them has 900


@dataclass
class Seen:
    """What a probe saw: each step of each change, what kept it from going on, and what it left at the source."""

    limit: float
    waited: float
    steps: list[Step] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    left: str | None = None

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Seen:
        """Read back what was kept."""
        return cls(**{**record, "steps": [Step(**one) for one in record["steps"]]})


def probe(audit: Audit, progress: Progress) -> Seen:
    """Create, update, update twice within a second and delete a record, as the file declares; what is seen is kept.

    Raises
    ------
    QueryError, RelationMissing
        The database does not answer, or lacks what is declared. What was made is deleted then as well.
    """
    live = audit.parameters.live
    assert live
    tenant = next(one for one in tenants_of(audit.parameters.whole) if live.tenant in (None, one.name))
    seen = Seen(audit.parameters.policy.latency_seconds, live.wait_seconds)
    try:
        changer = Changer(audit.parameters, tenant)
    except (SourceError, SecretMissing) as error:
        seen.problems.append(str(error))
    else:
        with contextlib.closing(changer):
            _Probe(audit, changer, tenant.name, seen, progress).run()
    _keep(audit, seen)
    return seen


@dataclass
class _Probe:
    audit: Audit
    changer: Changer
    tenant: str
    seen: Seen
    progress: Progress
    family: str = field(default_factory=lambda: f"dsaudit-{secrets.token_hex(4)}")  # how all its marks begin
    marks: int = 0

    def run(self) -> None:
        """Do all of it; a source or a database that does not answer ends it, and is told."""
        Looker(self.audit, self.tenant, "0")  # what the database lacks is known before anything is made
        with self._cleaned_up():
            try:
                self._act_and_watch()
            except (SourceError, QueryError) as error:
                self.seen.problems.append(str(error))

    def _act_and_watch(self) -> None:
        mark = self._mark()
        asked = begun = time.monotonic()
        self.changer.create(mark)
        self._note()  # its id
        looker = Looker(self.audit, self.tenant, self.changer.source_id)
        self._watch(looker, Change("create", mark), Look(""), asked, time.monotonic())
        for number, action in enumerate(ACTIONS[1:], 1):
            if why := self._why_no_more(ACTIONS[number - 1], time.monotonic() - begun):
                self.seen.problems.append(f"{', '.join(ACTIONS[number:])}: not done, as {why}")
                return
            # Many sources tell whole seconds: what comes next is to have another one than what was before it.
            time.sleep(SECOND)
            earlier = looker.look()
            change, asked = self._changed(action)
            self._watch(looker, change, earlier, asked, time.monotonic())

    def _why_no_more(self, before: str, spent: float) -> str | None:
        """Return why no further change is made: what is still under way would be taken for what the next one brings."""
        missed = [one.name for one in self.seen.steps if one.until is None and not one.unknown]
        if missed:
            return f"{', '.join(missed)} of {before} did not come"
        return f"{span(spent)} have gone by" if spent > LONGEST else None

    def _changed(self, action: str) -> tuple[Change, float]:
        """Do what is to be done at the source, and return it with the time at which the last request was sent."""
        first, of_first = self._mark() if action == "update twice" else None, None
        if first:
            time.sleep(SECOND - (time.time() + self._ahead()) % SECOND)  # so that both have the same
            begun = time.monotonic()
            of_first = self.changer.update(first)
        mark, asked = self._mark(), time.monotonic()
        if action == "delete":
            self.changer.delete()
        else:
            of_second = self.changer.update(mark)
            if first and (why := _why_apart(of_first, of_second, time.monotonic() - begun)):
                self.seen.problems.append(f"the two updates were not within one second: {why}")
        return Change(action, mark, first), asked

    def _ahead(self) -> float:
        """Return how many seconds the source's clock is ahead of ours, as far as its reading has measured it."""
        if self.audit.asks_anew:
            return 0.0
        offset = self.audit.source.offsets.get("source, here")
        return (offset.low + offset.high) / 2 if offset else 0.0

    def _watch(self, looker: Looker, change: Change, earlier: Look, asked: float, answered: float) -> None:
        """Look until all steps have come, or as long as the file says; a step that is undone has not come."""
        steps = {name: Step(change.action, name) for name in looker.due(change.action)}
        if not steps:
            return
        self.changer.see_it(None if change.action == "delete" else change.mark)
        self.seen.steps += steps.values()
        while True:
            begun = time.monotonic()
            try:
                look = looker.look()
            except QueryError as error:
                self._unfinished(steps, str(error))
                raise
            ended = time.monotonic()
            done = {"changed", *look.arrived(change, earlier, self.family)}
            overtaken = look.overtaken(change, earlier, looker.is_logged) - done
            for name, step in steps.items():
                step.unknown = BY_SYNC if name in overtaken else None
                if name not in done:
                    step.since, step.until, step.at = round(begun - answered, 3), None, None
                elif step.until is None:
                    spent = answered - asked if name == "changed" else ended - asked
                    step.until, step.at = round(spent, 3), look.at
            waited = begun - answered
            is_whole = set(steps) <= done and look.has_settled(change)
            is_over = is_whole or (set(steps) <= done | overtaken and waited > self.seen.limit)
            if is_over or waited >= self.seen.waited:
                return
            missing = [name for name in steps if name not in done]
            self._tell(change, missing, waited)
            time.sleep(self._pause(waited))

    def _unfinished(self, steps: dict[str, Step], why: str) -> None:
        """Note of what was not seen that nobody looked to the end; what was beyond the limit by then was late."""
        for step in steps.values():
            if step.until is None and step.since <= self.seen.limit:
                step.unknown = step.unknown or f"nobody looked to the end: {why}"

    def _pause(self, waited: float) -> float:
        """Return the time to the next look, of which one falls on the limit and one on the end."""
        left = [edge - waited for edge in (self.seen.limit, self.seen.waited) if edge > waited]
        return max(0.001, min(PAUSE if waited < self.seen.limit else LONGER_PAUSE, *left))

    def _tell(self, change: Change, missing: list[str], waited: float) -> None:
        what = f"live, {change.action}: waiting for {', '.join(missing) or 'the update before it'}"
        self.progress(f"{what}, {waited:.0f} s of {self.seen.waited:g} s")

    def _mark(self) -> str:
        self.marks += 1
        return f"{self.family}-{self.marks}"

    # What is left at the source

    def _told(self, why: str) -> str:
        """Return which record is left, why, and how it is deleted."""
        call = self.changer.deletion
        how = f"delete it with `{call}`" if call else f"look for its mark at {shown(self.changer.reader.base_url)}"
        return f"{self._name()}: {why}; {how}"

    @contextlib.contextmanager
    def _cleaned_up(self) -> Iterator[None]:
        """Delete the record whatever happens, Ctrl-C included; the runner waits as long as the note of it is there."""
        self._note()
        try:
            yield
        finally:
            self.seen.left = self._remove()
            if self.seen.left:
                self._note(self.seen.left)
            else:
                (self.audit.private / LEFT).unlink(missing_ok=True)

    def _remove(self) -> str | None:
        """Delete the record where there is one, and return what is left of it."""
        problem = "it is not known whether it was made"
        for pause in (0.0, 0.5, 2.0) if self.changer.id is not None else ():
            if not self.changer.may_exist:
                break
            time.sleep(pause)
            try:
                self.changer.delete()
                self.changer.see_it(None)
            except SourceError as error:
                problem = str(error)
        return self._told(f"not deleted, as {problem}") if self.changer.may_exist else None

    def _name(self) -> str:
        known = "" if self.changer.id is None else f" {self.changer.id}"
        return f"{self.changer.live.resource}{known} of {self.tenant}, marked {self.family}"

    def _note(self, left: str | None = None) -> None:
        """Note what is at the source for as long as it is, so that a run that is stopped can tell of it."""
        record = {"what": left or self._told("not deleted yet"), "given_up": left is not None}
        _write(self.audit.private / LEFT, record)


def _why_apart(first: datetime | None, second: datetime | None, took: float) -> str | None:
    """Return why two updates had not the same second, by the source's own times, or by how long both took."""
    if first and second:
        is_same = first.replace(microsecond=0) == second.replace(microsecond=0)
        return None if is_same else f"the source dates them {first:%H:%M:%S} and {second:%H:%M:%S}"
    return f"the source took {span(took)}" if took > SECOND else None


def seen_before(audit: Audit) -> Seen | None:
    """Return what this audit's probe saw, or that of the run whose reading is used; None where there was none."""
    if not audit.asks_anew:
        assert audit.source.folder  # where a run's reading is used, it is copied to here now
    path = _path(audit)
    return Seen.from_json(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else None


def _path(audit: Audit) -> Path:
    return audit.private / "recording" / LIVE  # where the recording lies, or will


def _keep(audit: Audit, seen: Seen) -> None:
    _path(audit).parent.mkdir(mode=0o700, exist_ok=True)
    _write(_path(audit), asdict(seen))


def _write(path: Path, record: dict[str, Any]) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(record, file)
