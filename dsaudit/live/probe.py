"""Makes a record at the source, changes it, deletes it, and watches each change arrive; cleans up whatever happens."""

from __future__ import annotations

import contextlib
import json
import secrets
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dsaudit.database import QueryError
from dsaudit.handoff import LEFT, write
from dsaudit.live.changing import Changer
from dsaudit.live.interrupts import undisturbed
from dsaudit.live.redelivering import DUPLICATE, OUT_OF_ORDER, REDELIVERED, Redeliverer
from dsaudit.live.steps import ACTIONS, Change, Look, Looker, Step
from dsaudit.parameters import Tenant
from dsaudit.parameters.live import sends_again
from dsaudit.parameters.secret import SecretMissing
from dsaudit.progress import Progress
from dsaudit.source.collecting import tenants_of
from dsaudit.source.probing import NotSent
from dsaudit.source.reading import SourceError
from dsaudit.source.recording import LIVE
from dsaudit.wording import shown, span

if TYPE_CHECKING:
    from dsaudit.audit import Audit

BY_SYNC = "a sync brought the change first, so what the webhook brought may have been dropped as known"
NO_TRACE = "it was answered as taken, and nothing in the raw table or the log of deliveries shows that it was"
PAUSE = 0.1  # seconds between two looks within the limit
LONGER_PAUSE = 0.5  # and beyond it
SECOND = 1.0
# Seconds after which no further change is begun and the provider is waited for no more, and those that are kept for the
# deletion, whatever the provider asks to wait; a change that is under way has 120. The cell that does it all has 900.
LONGEST, FOR_DELETION = 500.0, 200.0


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

    Before it is deleted, a delivery of it is sent again, and an older one after it, if the file lets us.

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
            _Probe(audit, changer, tenant, seen, progress).run()
    _keep(audit, seen)
    return seen


@dataclass
class _Probe:
    audit: Audit
    changer: Changer
    tenant: Tenant
    seen: Seen
    progress: Progress
    redeliverer: Redeliverer | None = None
    number: int = 0  # of the last mark
    family: str = field(default_factory=lambda: f"dsaudit-{secrets.token_hex(4)}")  # how all its marks begin
    marks: dict[str, str] = field(default_factory=dict)  # the last of each action

    def run(self) -> None:
        """Do all of it; a source or a database that does not answer ends it, and is told."""
        Looker(self.audit, self.tenant.name, "0")  # what the database lacks is known before anything is made
        with self._cleaned_up():
            try:
                self._act_and_watch()
            except (SourceError, QueryError) as error:
                self.seen.problems.append(str(error))

    def _act_and_watch(self) -> None:
        mark = self._mark("create")
        asked = begun = time.monotonic()
        self.changer.until = begun + LONGEST
        self.changer.create(mark)
        self._note()  # its id
        looker = Looker(self.audit, self.tenant.name, self.changer.source_id)
        self._watch(looker, Change("create", mark), Look(""), asked, time.monotonic())
        actions = [one for one in ACTIONS if one not in REDELIVERED or sends_again(self.audit.parameters)]
        for number, action in enumerate(actions[1:], 1):
            if why := self._why_no_more(actions[number - 1], time.monotonic() - begun):
                self.seen.problems.append(f"{', '.join(actions[number:])}: not done, as {why}")
                return
            if action in REDELIVERED:
                self._redeliver(looker, action)
                continue
            # Many sources tell whole seconds: what comes next is to have another one than what was before it.
            time.sleep(SECOND)
            earlier = looker.look()
            change, asked = self._changed(action)
            self._watch(looker, change, earlier, asked, time.monotonic())

    def _why_no_more(self, before: str, spent: float) -> str | None:
        """Return why no further change is made: what is still under way would be taken for what the next one brings."""
        missed = [one.name for one in self.seen.steps if one.until is None and not one.unknown and not one.is_still]
        if missed:
            return f"{', '.join(missed)} of {before} did not come"
        return f"{span(spent)} have gone by" if spent > LONGEST else None

    def _changed(self, action: str) -> tuple[Change, float]:
        """Do what is to be done at the source, and return it with the time at which the last request was sent."""
        first, of_first = self._mark(action) if action == "update twice" else None, None
        if first:
            time.sleep(SECOND - (time.time() + self._ahead()) % SECOND)  # so that both have the same
            begun = time.monotonic()
            of_first = self.changer.update(first)
        mark, asked = self._mark(action), time.monotonic()
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

    def _mark(self, action: str) -> str:
        self.number += 1
        self.marks[action] = f"{self.family}-{self.number}"
        return self.marks[action]

    # Deliveries that are sent again

    def _redeliver(self, looker: Looker, action: str) -> None:
        """Send a delivery again, and look as long as a change may take that it changes nothing."""
        steps = {name: Step(action, name, is_still=name != "webhook") for name in looker.due(action)}
        for step in steps.values():
            step.unknown = "nobody looked to the end"
        self.seen.steps += steps.values()
        earlier, mark = looker.look(), self.marks["update twice"]
        row = earlier.version(mark if action == DUPLICATE else self.marks["update"])
        try:
            if row is None:
                raise NotSent("no raw row of its version came by webhook")
            self.redeliverer = self.redeliverer or Redeliverer.of(self.audit, self.tenant, self.changer)
            sent = self.redeliverer.send(action, row, earlier.sent_at(str(row["delivery_id"] or "").strip()))
        except NotSent as error:
            for step in steps.values():
                step.unknown = str(error)
            return
        answered = time.monotonic()
        webhook = steps.pop("webhook")
        is_taken = 200 <= (sent.status or 0) < 300
        told = f"answered {sent.status}" if sent.status else f"no answer ({sent.problem})"
        webhook.unknown = None if is_taken else f"{told}; is the secret the right one?"
        if is_taken:
            webhook.until, webhook.at = sent.seconds, earlier.at
        look = self._watch_still(looker, steps, mark, earlier, sent.delivery_id, answered)
        before, after = (one.times_delivered(sent.delivery_id) for one in (earlier, look))
        # What leaves no trace may have been answered by somebody who did nothing with it.
        if is_taken and (looker.has_trace(sent.delivery_id) if action == OUT_OF_ORDER else after > before):
            for step in [*steps.values(), *(one for one in self.seen.steps if one.unknown == NO_TRACE)]:
                step.unknown = None
            return
        for step in steps.values():
            step.unknown = NO_TRACE if is_taken else webhook.unknown

    def _watch_still(
        self, looker: Looker, steps: dict[str, Step], mark: str, earlier: Look, delivery_id: str, answered: float
    ) -> Look:
        """Look for as long as the slowest step of a change has taken, or may take; return the last look."""
        slowest = max((one.until or 0.0 for one in self.seen.steps if one.name != "changed"), default=0.0)
        patience = max(slowest, self.seen.limit)
        while True:
            waited = time.monotonic() - answered
            look, is_last = looker.look(), waited >= patience
            became = look.became(mark, earlier, delivery_id)
            if is_last and not any(not row["deleted"] for row in look.refined):
                became.setdefault("row", "no refined row")
            for name, step in steps.items():
                if step.became is None:
                    step.since, step.at, step.became = round(waited, 3), look.at, became.get(name)
                    step.until = step.since if step.became else None
            if is_last:
                return look
            action = next(iter(steps.values())).action
            self.progress(f"live, {action}: nothing may change, {waited:.0f} s of {patience:.0f} s")
            time.sleep(max(0.001, min(PAUSE, patience - waited)))

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
            with undisturbed():
                self.seen.left = self._remove()
                if self.seen.left:
                    self._note(self.seen.left)
                else:
                    (self.audit.private / LEFT).unlink(missing_ok=True)

    def _remove(self) -> str | None:
        """Delete the record where there is one, and return what is left of it."""
        problem, self.changer.until = "it is not known whether it was made", time.monotonic() + FOR_DELETION
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
        return f"{self.changer.live.resource}{known} of {self.tenant.name}, marked {self.family}"

    def _note(self, left: str | None = None) -> None:
        """Note what is at the source for as long as it is, so that a run that is stopped can tell of it."""
        record = {"what": left or self._told("not deleted yet"), "given_up": left is not None}
        write(self.audit.private / LEFT, record)


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
    write(_path(audit), asdict(seen))
