"""Walks one copy of a flow: step by step, each asked until it is as declared or its time is over."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx

from dsaudit.background.calls import LARGEST_ANSWER, NotCalled, connected
from dsaudit.background.kept import Seen
from dsaudit.database import QueryError, RelationMissing
from dsaudit.database.expressions import quoted, source_id
from dsaudit.facts.served import Heard
from dsaudit.facts.served.refusing import has_form
from dsaudit.flows.refusals import given_away
from dsaudit.flows.schemas import SchemaError, Schemas, status_in
from dsaudit.flows.values import ABSENT, agrees, found_at, given, plain, words
from dsaudit.parameters.filling import filled
from dsaudit.parameters.flows import MARK, Flow, Step
from dsaudit.parameters.ids import id_text, kind_of
from dsaudit.parameters.secret import SecretMissing, from_environment, hidden
from dsaudit.pushing.whose import Whose, sent
from dsaudit.source.reading import SourceError, parse, strictly
from dsaudit.wording import span

if TYPE_CHECKING:
    from dsaudit.audit import Audit

PAUSE = 0.1  # seconds between two looks
YET_TO_COME = (404, 409, 425, 429, 503)  # what an `until` goes on asking after
NOT_TAKEN = (401, 403)
SHORTEST_SECRET = 6  # letters
LONGEST = 200  # letters of an answered value that are kept in the private rows


@dataclass(frozen=True)
class Look:
    """What was seen of a step once: the answer's status, text and JSON, or a row as JSON; `ABSENT` where there is none.

    `told` says why nothing was seen, `is_reached` whether anybody was asked.
    """

    body: Any = ABSENT
    status: int | None = None
    text: str = ""
    told: str | None = None
    is_reached: bool = True


@dataclass
class Walk:
    """One copy of a flow: what it has kept, and what was seen.

    `problem` is why nothing can be said of it, `wrong` what was not as declared, `claims` how much was looked at;
    `seconds` is its time, or None where it stopped before its end.
    """

    audit: Audit
    flow: Flow
    owner: Whose
    number: int
    mark: str
    stop: threading.Event
    schemas: Schemas | None = None
    kept: dict[str, Any] = field(default_factory=dict)
    problem: str | None = None
    steps: list[Seen] = field(default_factory=list)
    wrong: list[Seen] = field(default_factory=list)
    misfits: list[Seen] = field(default_factory=list)  # of answers to their schemas
    careless: list[Seen] = field(default_factory=list)  # refusals that are not readable, or tell too much
    told: list[str] = field(default_factory=list)
    claims: int = 0
    fitted: int = 0
    refused: int = 0
    seconds: float | None = None

    def walk(self) -> None:
        """Do all steps, or as many as can be done."""
        with connected() as client:
            begun = time.monotonic()
            for number, step in enumerate(self.flow.steps, 1):
                if self.stop.is_set() or not self._done(client, f"{number} {step.name}", step):
                    return
            self.seconds = round(time.monotonic() - begun, 3)

    def removed(self) -> Iterator[tuple[str, str | None]]:
        """Send the requests that take away what was made; yield each with why it failed, or None.

        One that needs what was never kept is left out: it would concern nothing that is known.
        """
        with connected() as client:
            for step in self.flow.remove:
                if not step.placeholders <= {*self.kept, *self._given}:
                    continue
                look = self._asked(client, step)
                is_gone = look.status is not None and (200 <= look.status < 300 or look.status in (404, 410))
                yield step.name, None if is_gone else look.told or f"answered with {look.status}"

    # One step

    def _done(self, client: httpx.Client, name: str, step: Step) -> bool:
        """Do one step, and return whether the next can follow."""
        begun = time.monotonic()
        look, tries = self._looked(client, step)
        spent = round(time.monotonic() - begun, 3)
        before = len(self.wrong)
        goes_on = self._judged(name, step, look, spent)
        outcome = self.problem or ("as declared" if len(self.wrong) == before else self.wrong[before]["what"])
        line = {"copy": self.number, "step": name, "status": look.status, "seconds": spent, "tries": tries}
        self.steps.append({**line, "outcome": outcome})
        return goes_on

    def _looked(self, client: httpx.Client, step: Step) -> tuple[Look, int]:
        """Look at a step, again and again where it says until when."""
        ends, tries = time.monotonic() + self.flow.wait_seconds, 0
        while True:
            look, tries = self._row(step) if step.row else self._asked(client, step), tries + 1
            is_right = self._why_not(step, look) is None
            if is_right and not any(True for _ in self._differing(step, step.until, look)):
                return look, tries
            may_come = is_right or look.status in YET_TO_COME or (step.row is not None and look.told is None)
            if not (step.until and may_come) or time.monotonic() > ends or self.stop.wait(PAUSE):
                return look, tries

    def _judged(self, name: str, step: Step, look: Look, spent: float) -> bool:
        """See what is wrong with what was seen; return whether the next step can follow."""
        if why := self._why_not(step, look):
            if self._proves_nothing(step, look):
                self.problem = look.told or f"{step.name} was answered with {look.status}; is the token the right one?"
                return False
            self.claims += 1
            self._add(name, *why)
            self._judge_refusal(name, step, look)
            # What was refused in another way than declared has changed nothing, so that the next steps still can tell.
            return step.is_refusal and (look.status or 0) >= 400 and not step.keep
        self.claims += 1
        if late := list(self._differing(step, step.until, look)):
            for path, expected, found in late:
                self._add(name, f"until {path}", f"{expected}, within {span(self.flow.wait_seconds)}", found)
            return False
        self.claims += len(step.until) + len(step.holds) + len(step.lacks) + len(step.keep)
        for path, expected, found in self._differing(step, step.holds, look):
            self._add(name, path, expected, found)
        for path in step.lacks:
            if (found := found_at(look.body, path)) is not ABSENT:
                self._add(name, path, "nothing there", found)
        self._judge_schema(name, step, look)
        self._judge_refusal(name, step, look)
        return self._keeps(name, step, look)

    def _why_not(self, step: Step, look: Look) -> tuple[str, str, Any] | None:
        """Return what is wrong with an answer as such (what, expected, found), or None."""
        if step.row:
            why = look.told or ("nothing there" if look.body is ABSENT else None)
            return ("row", "a row", why) if why else None
        if look.status is None:
            return "answer", "an answer", look.told
        if look.status != step.status if step.status else not 200 <= look.status < 300:
            return "status", str(step.status or "a success"), look.status
        if look.body is ABSENT and (step.until or step.holds or step.lacks or step.keep):
            return "answer", "JSON", look.told or "no JSON"
        return None

    def _proves_nothing(self, step: Step, look: Look) -> bool:
        """Return whether this says nothing of the flow: at its begin nobody was reached, or the token was not taken."""
        if step.row:
            return look.told is not None
        not_taken = look.status in (NOT_TAKEN[:1] if step.is_refusal else NOT_TAKEN)
        return not self.steps and (not look.is_reached or not_taken)

    def _add(self, step: str, what: str, expected: str, found: Any) -> None:
        line = {"copy": self.number, "step": step, "what": what, "expected": expected}
        told = hidden(found if isinstance(found, str) and what in ("answer", "row") else words(found))
        answered = hidden(str(found))[:LONGEST]
        self.wrong.append({**line, "found": told, "answered": None if answered == told else answered})

    def _differing(self, step: Step, expected: dict[str, Any], look: Look) -> Iterator[tuple[str, str, Any]]:
        """Yield which paths do not hold what they have to: the path, what is expected, and what was found."""
        for path, one in expected.items():
            found = found_at(look.body, path)
            if not agrees(filled(one, self._value), found):
                yield path, given(one), found

    def _keeps(self, name: str, step: Step, look: Look) -> bool:
        """Keep what a step gives names to; return whether all of it is there."""
        for kept, path in step.keep.items():
            found = found_at(look.body, path)
            if (
                isinstance(found, (str, int))
                and not isinstance(found, bool)
                and str(found).strip() not in ("", ".", "..")
            ):
                self.kept[kept] = found
            else:
                self._add(name, f"keep {kept}", f"a text or a whole number at {path}", found)
        return step.keep.keys() <= self.kept.keys()

    # Asking

    @property
    def _given(self) -> set[str]:
        return {MARK, *self.audit.parameters.whole.flow_variables}

    def _value(self, name: str) -> Any:
        """Return what a placeholder stands for; raises `SecretMissing` where its variable is not set.

        A short value is no secret: it would stand in many a message that has nothing to do with it.
        """
        if name == MARK:
            return self.mark
        variable = self.audit.parameters.whole.flow_variables.get(name)
        if variable is None:
            return self.kept[name]
        value = os.environ.get(variable, "")
        return value if 0 < len(value) < SHORTEST_SECRET else from_environment(variable).reveal()

    def _path(self, step: Step) -> str:
        return str(filled(f"{step.path} ", lambda name: quote(str(self._value(name)), safe=""))).strip()

    def _asked(self, client: httpx.Client, step: Step) -> Look:
        flow = self.flow
        try:
            body = plain(filled(step.body, self._value))
            path = self._path(step)
            answered = sent(
                self.audit.parameters, self.owner, step.method, path, body, flow.token_env, flow.wait_seconds, client
            )
        except (NotCalled, SecretMissing) as error:
            return Look(told=str(error), is_reached=False)
        if answered.status is None:
            return Look(told=answered.told)
        if len(answered.content) > LARGEST_ANSWER:
            return Look(status=answered.status, told=f"an answer of more than {LARGEST_ANSWER // 1000} kB")
        try:
            text = answered.content.decode("utf-8-sig")
            return Look(strictly(text, path), answered.status, text)
        except (UnicodeDecodeError, SourceError):
            return Look(status=answered.status, text=answered.content.decode(errors="replace"))

    def _row(self, step: Step) -> Look:
        """Look for a row as it is now; its columns are what PostgreSQL makes of them in JSON."""
        assert step.row
        try:
            resource = self.audit.parameters.whole.resources[step.row]
            table = self.audit.relations.whole.table(resource.table)
            if not resource.key:
                return Look(told=f"nothing tells what {step.row} is called by; give the resource its `key`")
            kind = kind_of(table.columns.get(resource.key[0], "")) if len(resource.key) == 1 else None
            key = id_text(filled(step.key, self._value), kind)
            query = (
                f"select pg_catalog.to_jsonb(x)::text as body from {quoted(table.schema)}.{quoted(table.name)} as x"
                f" where {source_id(resource, table)} = %(key)s"
            )
            rows = self.audit.database.now().query(query, {"key": key}).records
        except (QueryError, RelationMissing, SecretMissing) as error:
            return Look(told=str(error))
        return Look(parse(rows[0]["body"])) if rows else Look()

    # Schemas and refusals

    def _judge_schema(self, name: str, step: Step, look: Look) -> None:
        """See whether an answer with the declared status fits its schema."""
        apis = self.audit.parameters.whole.apis
        if self.schemas is None or step.row or look.status is None or apis is None:
            return
        path = self._path(step).partition("?")[0].strip("/")
        known = self.schemas.of(step.method, (path, f"{apis.path.strip('/')}/{path}".strip("/")))
        if known is None:
            self.told.append(f"{step.name} is not in the file of answers")
            return
        line = {"copy": self.number, "step": name, "status": look.status}
        status = status_in(known, look.status)
        pointer = known[status] if status else None
        if status and pointer is None:
            return  # it has no JSON
        if pointer is None or look.body is ABSENT:
            problem = "it is no JSON" if pointer else "no answer with this status is described"
            self.misfits.append({**line, "at": "the whole", "problem": problem})
            self.fitted += 1
            return
        try:
            found = list(self.schemas.problems(pointer, plain(look.body)))
        except SchemaError as error:
            self.told.append(f"{step.name}: its schema {error}")
            return
        self.fitted += 1
        self.misfits += [{**line, "at": at, "problem": problem} for at, problem in found]

    def _judge_refusal(self, name: str, step: Step, look: Look) -> None:
        """See whether a refusal is readable, and without a word too much; its status is judged with all others."""
        apis = self.audit.parameters.whole.apis
        if not step.is_refusal or look.status is None or look.status < 400 or apis is None:
            return
        self.refused += 1
        problems = []
        if apis.error and not has_form(Heard(look.status, look.text, look.body), apis.error):
            at = f" at {apis.error.at}" if apis.error.at else ""
            problems.append(f"is not readable: {' and '.join(apis.error.fields)} belong{at}")
        problems += [f"shows {one}" for one in given_away(look.text)]
        line = {"copy": self.number, "step": name, "status": look.status}
        self.careless += [{**line, "problem": problem} for problem in problems]
