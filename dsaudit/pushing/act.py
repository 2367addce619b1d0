"""Asks for the import, waits for its rows, and removes it: once in a run, and what was seen of it is kept."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from dsaudit.background import kept
from dsaudit.background.calls import Answered, NotCalled, refuse_unless_acting
from dsaudit.background.kept import Seen, undone
from dsaudit.database import QueryError, RelationMissing
from dsaudit.facts.conserved import Counted, counted_now
from dsaudit.parameters.conserved import SETTLED, chain_of
from dsaudit.parameters.filling import filled
from dsaudit.parameters.ids import Kind, id_text, kind_of
from dsaudit.parameters.secret import SecretMissing
from dsaudit.pushing import rows
from dsaudit.pushing.whose import Whose, sent, whose
from dsaudit.source.reading import value_at
from dsaudit.verdict.card import plural
from dsaudit.wording import span

if TYPE_CHECKING:
    from dsaudit.audit import Audit
    from dsaudit.parameters.push import Push, Request
    from dsaudit.progress import Progress

NAME = "pushed"
PAUSE = 0.1  # seconds between two looks
UNCLEAR = "it is not known whether it was made"


def pushed(audit: Audit) -> Seen | None:
    """Push the import through, unless this run has done so; what was seen, or None in a replay of a run that did not.

    Keys: ``problem`` (why nothing can be said, or None), ``failed`` (whether the API itself failed at it), ``told``
    (what else is to be known), ``steps`` (step, seconds since the request, what was seen), ``hops`` (hop, wanted, rows,
    counted, problem, seconds, is_right), ``seconds`` (until all had come, or None), ``waited``, ``rows`` (how many
    came), ``foreign``, ``unlinked``, ``strays`` and ``remaining`` (rows with what is wrong with them), ``is_checked``
    (whether what remains was looked for), ``left`` (what was not taken away, or None).
    """
    return kept.seen(audit, NAME, lambda audit, progress: _Push(audit, progress).run())


def pushed_before(audit: Audit) -> Seen | None:
    """Return what was seen of it, None where nothing was pushed; a table pushes nothing."""
    return kept.before(audit, NAME)


def _nothing() -> Seen:
    lists: Seen = {name: [] for name in ("told", "steps", "hops", "foreign", "unlinked", "strays", "remaining")}
    none = {"problem": None, "failed": False, "seconds": None, "waited": 0.0, "rows": 0, "left": None}
    return {**lists, **none, "is_checked": False}


@dataclass
class _Push:
    audit: Audit
    progress: Progress
    found: Seen = field(default_factory=_nothing)
    mark: str = field(default_factory=lambda: f"dsaudit-{secrets.token_hex(4)}")
    key: str | None = None  # of the import, as its table has it
    id: Any = None  # and as the API calls it
    may_exist: bool = False
    is_refused: bool = False
    before: rows.Keys = field(default_factory=dict)
    came: rows.Keys = field(default_factory=dict)
    begun: float = 0.0
    owner: Whose = field(init=False)

    @property
    def push(self) -> Push:
        push = self.audit.parameters.whole.push
        assert push
        return push

    def run(self) -> Seen:
        """Do all of it, and return what was seen; what keeps it from going on is told."""
        refuse_unless_acting(self.audit.parameters)
        try:
            self.owner = whose(self.audit, self.push.tenant, self.push.tenancy, "push.tenancy")
            self.before = rows.keys(self.audit)
        except (NotCalled, QueryError, RelationMissing) as error:
            return {**self.found, "problem": str(error)}
        what = f"{self.push.resource} of {self.owner.tenant}, marked {self.mark}, pushed by an audit"
        with undone(self.audit, what, self._removed) as left:
            try:
                self._asked()
                self._followed()
            except (NotCalled, SecretMissing, QueryError, RelationMissing) as error:
                self.found["problem"] = str(error)
        if left:
            self.found["left"] = f"still there, to be deleted by hand: {left[-1]}"
        self._looked_back()
        return self.found

    # The request

    def _asked(self) -> None:
        """Ask for the import; raises `NotCalled` or `SecretMissing` where nobody was asked."""
        self.begun = time.monotonic()
        self.progress(f"pushing a {self.push.resource} through")
        self.may_exist = True
        try:
            answered = self._sent(self.push.make)
        except (NotCalled, SecretMissing):
            self.may_exist = False
            raise
        self._step("asked for", answered.told)
        if answered.is_done:
            self.id = value_at(answered.body, self.push.id)
            if not isinstance(self.id, (str, int)) or isinstance(self.id, bool):
                self.id, self.found["problem"] = None, f"push.id: the answer holds no id at {self.push.id}"
            else:
                self.key = id_text(self.id, self._kind()) or str(self.id)
            return
        self.found["problem"] = f"the API did not take the {self.push.resource}: {answered.told}"
        self.is_refused = answered.status is not None
        self.found["failed"] = (answered.status or 0) >= 500

    def _kind(self) -> Kind | None:
        """Return how the ids of the import's table are written."""
        resource = self.audit.parameters.whole.resources[self.push.resource]
        table = self.audit.relations.whole.table(resource.table)
        return kind_of(table.columns.get(resource.key[0], "")) if len(resource.key) == 1 else None

    def _sent(self, request: Request) -> Answered:
        given = {"mark": self.mark, "id": self.id}
        path = filled(request.path, lambda name: quote(str(given[name]), safe=""))
        body = filled(request.body, lambda name: given[name])
        push = self.push
        return sent(self.audit.parameters, self.owner, request.method, path, body, push.token_env, push.wait_seconds)

    def _step(self, name: str, told: str) -> None:
        self.found["steps"].append({"step": name, "seconds": self._spent(), "told": told})

    def _spent(self) -> float:
        return round(time.monotonic() - self.begun, 3)

    # The rows

    def _followed(self) -> None:
        """Wait until all rows have come, and see what is wrong with them."""
        if self.key and not self.found["problem"]:
            self._waited()
        new = rows.read(self.audit, rows.less(rows.keys(self.audit), self.before), self.mark)
        if self.key is None:  # an answer that says nothing, or a refusal, may still have made it
            self._recognised(new)
        own = (self.push.resource, self.key) if self.key else None
        came, strays, others = rows.sorted_out(self.audit, new, own, self.push.resource)
        self.came = {name: {row.key for row in came if row.resource == name} for name in self.before}
        self.found["rows"] = len(came)
        self.found["foreign"] = rows.foreign(self.audit, came, self.owner.columns)
        self.found["unlinked"] = rows.unlinked(self.audit, came, self.push.unlinked)
        self.found["strays"] += [
            {
                "resource": row.resource,
                "source_id": row.key,
                "problem": "appeared, and is tied to nothing of the import",
            }
            for row in strays
        ]
        if others:
            told = f"{plural(len(others), 'row')} of other imports came meanwhile, and were left out"
            self.found["told"].append(told)
        tables = ", ".join(f"{len(own)} {name}" for name, own in self.came.items() if own)
        self._step("rows that came", tables or "none")

    def _recognised(self, new: list[rows.Row]) -> None:
        """Know the import by its mark, where the API did not tell its id."""
        marked = [row for row in new if row.resource == self.push.resource and row.is_marked]
        if marked:
            self.id = self.key = marked[0].key
        elif self.is_refused:
            self.may_exist = False

    def _waited(self) -> None:
        chain = chain_of(self.audit.parameters.whole, self.push.resource)
        assert chain and self.key
        seconds: dict[str, float] = {}
        while True:
            one = counted_now(self.audit, chain, self.key)
            spent = self._spent()
            hops = self._judged(one)
            for hop in hops:
                if hop["is_right"]:
                    seconds.setdefault(hop["hop"], spent)
                else:
                    seconds.pop(hop["hop"], None)
            missing = [hop["hop"] for hop in hops if not hop["is_right"]]
            if not missing or spent > self.push.wait_seconds:
                break
            self.progress(f"waiting for {', '.join(missing)}, {span(spent)} of {span(self.push.wait_seconds)}")
            time.sleep(PAUSE)
        self.found["hops"] = [{**hop, "seconds": seconds.get(hop["hop"])} for hop in hops]
        self.found["seconds"], self.found["waited"] = None if missing else max(seconds.values()), spent
        for hop in self.found["hops"]:
            when = hop["seconds"] if hop["is_right"] else spent
            self.found["steps"].append({"step": hop["hop"], "seconds": when, "told": _told(hop)})
        self.found["steps"].sort(key=lambda step: step["seconds"])

    def _judged(self, one: Counted | None) -> list[dict[str, Any]]:
        """Return each hop as it is now, and at the end whether the import says that it is done."""
        counts = {count.hop: count for count in one.hops} if one else {}
        hops = []
        for name, wanted in self.push.rows.items():
            count = counts.get(name)
            found, told = (count.rows, count.told) if count else (0, None)
            problem = None
            if found != wanted:
                problem = "rows are missing" if found < wanted else "there are more rows"
            elif told is not None and told != found:
                problem = f"{count.told_by if count else ''} is another number"
            told_of = {"hop": name, "wanted": wanted, "rows": found, "counted": told, "problem": problem}
            hops.append({**told_of, "is_right": problem is None})
        settled = one is not None and one.is_settled
        problem = None if settled else "it is still under way" if one else "it is not in its table"
        last = {"hop": SETTLED, "wanted": None, "rows": None, "counted": None, "problem": problem}
        return [*hops, {**last, "is_right": settled}]

    # Its end

    def _removed(self) -> str | None:
        """Take the import away, and return what is left of it, or None."""
        if not self.may_exist:
            return None
        if self.key is None:
            return f"{UNCLEAR}; look for its mark"
        begun, problem = time.monotonic(), None
        self.progress(f"taking the {self.push.resource} away again")
        try:
            answered = self._sent(self.push.remove)
            self._step("taken away", answered.told)
            problem = None if answered.is_done else f"its deletion was {answered.told}"
        except (NotCalled, SecretMissing) as error:
            problem = str(error)
        wanted = {name: set(own) for name, own in self.came.items()}
        wanted.setdefault(self.push.resource, set()).add(self.key)
        try:
            while remaining := rows.still_there(self.audit, wanted):
                if problem or time.monotonic() - begun > self.push.wait_seconds:
                    break
                time.sleep(PAUSE)
        except (QueryError, RelationMissing) as error:
            return f"{problem or 'nobody could look whether it is gone'}: {error}"
        self.found["remaining"], self.found["is_checked"] = remaining, True
        self._step("gone", f"{plural(len(remaining), 'row')} remained" if remaining else "nothing remained")
        if not remaining:
            return None
        return f"{self.id}: {plural(len(remaining), 'row')} remained{f', as {problem}' if problem else ''}"

    def _looked_back(self) -> None:
        """See that what was there before is there still."""
        try:
            gone = rows.less(self.before, rows.keys(self.audit))
        except (QueryError, RelationMissing) as error:
            self.found["told"].append(f"what was there before could not be looked for: {error}")
            return
        self.found["strays"] += [
            {"resource": name, "source_id": key, "problem": "was there before, and is gone"}
            for name, own in gone.items()
            for key in sorted(own)
        ]


def _told(hop: dict[str, Any]) -> str:
    """Return what was seen at a hop in words."""
    if hop["hop"] == SETTLED:
        return hop["problem"] or "it says that it is done"
    counted = "" if hop["counted"] is None else f", counted as {hop['counted']}"
    return f"{plural(hop['rows'], 'row')} of {hop['wanted']}{counted}"
