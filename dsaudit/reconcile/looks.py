"""What one more look at a difference tells, both sides being as they are by then."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from dsaudit.reconcile.sides import WHOLE_SECOND, Key, Sides
from dsaudit.reconcile.values import same_json
from dsaudit.source.recording import Item, instant_at

if TYPE_CHECKING:
    from dsaudit.audit import Audit

Differences = Callable[[Sides, Key], Iterable[dict[str, Any]]]


@dataclass(frozen=True)
class Looked:
    """What looking again tells of one difference.

    ``again`` says it in words. ``healed``: it was gone by then. ``arrived``: what it lacked came by then by itself.
    ``answered``: the source, whose list lacks the record of an extra row, has it under its id, or may have it.
    ``asked``: the source was asked for it by its id.
    """

    again: str | None = None
    in_flight: bool = False
    healed: bool = False
    arrived: bool = False
    answered: bool = False
    asked: bool = False


LOOKED = tuple(one.name for one in fields(Looked))


@dataclass
class Open:
    """A difference that is looked at, as it was judged.

    ``record``, ``state`` and ``moving`` follow it from look to look. ``by_id`` is what the source is asked for: tenant,
    resource and id, the id empty where it is not known.
    """

    explains: str
    key: Key
    field: str | None
    judged: Sides
    by_id: tuple[str, str, str] | None
    record: Any
    state: str
    moving: bool = True


@dataclass(frozen=True)
class Seen:
    """One difference at one look; ``answered`` is whether the source was asked for it and said something."""

    one: Open
    now: Sides
    answered: bool
    audit: Audit
    seconds: int

    def told(self, differences: Differences, is_last: bool) -> Looked | None:
        """Return what this look tells, or None where it is worth another one."""
        one, later = self.one, f"when looked at again {self.seconds} s later"
        if self._is_healed(differences):
            return Looked(f"right {later}", self._is_in_time(), healed=True, arrived=self._has_arrived())
        item, state = self.now.source.get(one.key), self.now.digest(one.key)
        record = item.record if item else None
        if one.explains == "extra" and record is not None:
            return self._in_no_list(later)
        there, here = self.answered and not same_json(record, one.record), state != one.state
        one.moving &= there and here and self._is_behind()
        if (there or here) and not is_last:
            one.record, one.state = (record if self.answered else one.record), state
            return None
        if one.moving:
            return Looked(f"it keeps changing: in another state on both sides at every look, still {later}", True)
        is_gone = self.answered and record is None and one.explains != "extra"
        if is_gone and not self.now.live(one.key) and self._was_not_due():
            return Looked(f"no longer at the source, nor here, {later}", True)
        words = "no longer at the source" if is_gone else self._changes(there, here)
        return Looked(f"{words} {later}", asked=self.answered)

    def _is_healed(self, differences: Differences) -> bool:
        """Return whether the difference is gone: of the record as it was judged, or as it is now."""
        key = self.one.key
        if self.one.explains == "extra":
            return not self.now.live(key)
        here = {"field": self.now.live, "old in raw": self.now.received}.get(self.one.explains)
        if here and not here(key):
            return False
        known = [self.one.judged.source, *([self.now.source] if key in self.now.source else [])]
        return any(not self._differs(differences, source) for source in known)

    def _differs(self, differences: Differences, source: dict[Key, Item]) -> bool:
        found = differences(replace(self.now, source=source), self.one.key)
        return any(row.get("field") == self.one.field for row in found)

    def _in_no_list(self, later: str) -> Looked:
        """Judge an extra row whose record the source has, under its id."""
        changed, started = self.now.changed(self.one.key), self.now.started
        if changed is not None and changed > started:
            return Looked(f"at the source {later}, changed there since its list was read", True)
        return Looked(f"not in the source's list, and there under its id {later}", answered=True)

    def _is_behind(self) -> bool:
        ours, theirs = self.now.state(self.one.key), self.now.changed(self.one.key)
        return ours is not None and theirs is not None and ours < theirs

    def _changes(self, there: bool, here: bool) -> str:
        if there or here:
            sides = "on both sides" if there and here else "at the source" if there else "here"
            return f"changed {sides} since, and not right"
        return "unchanged on both sides" if self.answered else "unchanged here"

    # When it was right

    def _has_arrived(self) -> bool:
        """Return whether a new version came by webhook, or may have: without a raw table that is not known."""
        if self.now.raw is None:
            return True
        before, after = (self.one.judged.raw or {}).get(self.one.key), self.now.raw.get(self.one.key)
        return bool(after and after["by_webhook"] and (before is None or before["row_id"] != after["row_id"]))

    def _is_in_time(self) -> bool:
        """Return whether it was right so soon after its change that it was under way by right."""
        policy, key = self.audit.parameters.policy, self.one.key
        allowed = timedelta(seconds=policy.in_flight_seconds + policy.clock_error_seconds)
        changed, came = self._changed(), self._came()
        if changed is not None:
            return came is not None and came <= changed + WHOLE_SECOND + allowed
        # It was in this state when its list was read, and for how long is not known: only what came by itself counts.
        raw, ended = (self.now.raw or {}).get(key), self.audit.source.ended(key[0], self.now.name)
        return bool(raw and ended and self._has_arrived() and raw["received_at"] <= ended + allowed)

    def _was_not_due(self) -> bool:
        """Return whether the change was so recent at the run's instant that it did not have to be here."""
        policy, changed = self.audit.parameters.policy, self._changed()
        allowed = timedelta(seconds=policy.in_flight_seconds + policy.clock_error_seconds)
        return changed is not None and datetime.fromisoformat(self.audit.instant) <= changed + WHOLE_SECOND + allowed

    def _changed(self) -> datetime | None:
        """When the source's record came into the state that was judged."""
        item, changed = self.one.judged.source.get(self.one.key), self.one.judged.changed(self.one.key)
        if changed is None and item and self.one.explains.startswith("missing"):
            return instant_at(item.top, self.now.resource.known.created)
        return changed

    def _came(self) -> datetime | None:
        """When our side came into the state that is right, the refined row if it is the one that was not."""
        raw, rows = (self.now.raw or {}).get(self.one.key), self.now.refined.get(self.one.key, [])
        times = [] if self.one.explains.endswith("in raw") else [row["refined_at"] for row in rows]
        known = [time for time in times if time]
        return max(known) if known else raw["received_at"] if raw else None
