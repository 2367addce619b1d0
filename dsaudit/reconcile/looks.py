"""What one more look at a difference tells, both sides being as they are by then."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from dsaudit.reconcile.sides import WHOLE_SECOND, Key, Sides
from dsaudit.reconcile.values import same_json
from dsaudit.source.recording import Item, instant_at
from dsaudit.wording import span

if TYPE_CHECKING:
    from dsaudit.audit import Audit

Differences = Callable[[Sides, Key], Iterable[dict[str, Any]]]


@dataclass(frozen=True)
class Looked:
    """What looking again tells of one difference.

    ``again`` says it in words. ``healed``: it was gone by then. ``arrived``: what it lacked came by then by itself.
    ``answered``: the source, whose list lacks the record of an extra row, has it under its id, or may have it.
    ``asked``: the source was asked for it by its id. ``undecided`` says of what neither is in flight nor wrong by what
    is known, why it cannot be told.
    """

    again: str | None = None
    in_flight: bool = False
    healed: bool = False
    arrived: bool = False
    answered: bool = False
    asked: bool = field(default=False, compare=False)
    undecided: str | None = None


TOUCHED = (
    "of rows that were written after the reading of the source began; whether they are right nothing tells without "
    "`one`, or `updated` with `updated_column`"
)
GONE = "of records that were at the source when it was read, and are gone from both sides; nothing tells who was first"
NOT_LISTED = "of records that the source's list lacks; it has some of them under their ids, so its list is not whole"
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
    in_flight: bool = False  # by its times, as far as they tell
    moving: bool = True
    first: int | None = None  # seconds from the instant to the first look


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
        one, later = self.one, f"when looked at again {span(self.seconds)} later"
        one.first = self.seconds if one.first is None else one.first
        if self._is_healed(differences):
            return Looked(f"right {later}", self._was_in_flight(), healed=True, arrived=self._has_arrived())
        item, state = self.now.source.get(one.key), self.now.digest(one.key)
        record = item.record if item else None
        if one.explains == "extra" and record is not None:
            return self._in_no_list(later)
        there, here = self.answered and not same_json(record, one.record), state != one.state
        one.moving &= there and here and self._is_behind()
        is_new = one.in_flight and one.explains == "extra"  # it may have come and gone there since
        if (there or here or is_new) and not is_last:
            one.record, one.state = (record if self.answered else one.record), state
            return None
        if one.moving:
            return Looked(f"it keeps changing: in another state on both sides at every look, still {later}", True)
        is_gone = self.answered and record is None and one.explains != "extra"
        if is_gone and not self.now.live(one.key):
            gone = f"no longer at the source, nor here, {later}"
            if one.in_flight or self._was_not_due() or self._went_since():
                return Looked(gone, True)
            if one.explains == "missing" and not self._never_came():
                return Looked(gone, undecided=GONE)
        words = f"{'no longer at the source' if is_gone else self._changes(there, here)} {later}"
        under_way = one.in_flight and self._may_be_under_way(record)
        touched = TOUCHED if under_way and one.judged.touched(one.key) else None
        return Looked(words, under_way, asked=self.answered, undecided=touched)

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
        changed, since = self.now.changed(self.one.key), self.now.started - self.now.clock_error - WHOLE_SECOND
        if (changed is None and self.one.in_flight) or (changed is not None and since <= changed <= self._latest()):
            return Looked(f"at the source {later}, changed there since its list was read", True)
        return Looked(f"not in the source's list, and there under its id {later}", answered=True, undecided=NOT_LISTED)

    def _is_behind(self) -> bool:
        ours, theirs = self.now.state(self.one.key), self.now.changed(self.one.key)
        return ours is not None and theirs is not None and ours < theirs

    def _changes(self, there: bool, here: bool) -> str:
        if there or here:
            sides = "on both sides" if there and here else "at the source" if there else "here"
            return f"changed {sides} since, and not right"
        return "unchanged on both sides" if self.answered else "unchanged here"

    def _may_be_under_way(self, record: Any) -> bool:
        """Return whether a difference that was in flight by its times, and is there still, may be so by right."""
        policy, one = self.audit.parameters.policy, self.one
        if not self.answered:
            return True
        if one.explains == "extra":
            return self.seconds - (one.first or 0) < policy.in_flight_seconds
        judged = one.judged.source.get(one.key)
        if judged and same_json(record, judged.record):
            return False  # ours is no later state than the one that was read: the source has none
        changed = self.now.changed(one.key) if record is not None else None
        return changed is None or self._latest() <= changed + WHOLE_SECOND + self._allowed()

    # What is gone on both sides

    def _went_since(self) -> bool:
        """Return whether our row was marked deleted after the reading of the source began."""
        since, until = self.now.started - self.now.clock_error, self._latest()
        times = [row["refined_at"] for row in self.one.judged.refined.get(self.one.key, [])]
        return any(time and since <= time <= until for time in times)

    def _never_came(self) -> bool:
        """Return whether our side was without a record when the reading of the source began, as far as it tells."""
        raw, rows = self.one.judged.raw, self.one.judged.refined.get(self.one.key, [])
        is_unknown = self.one.key in raw and not rows if raw is not None else not rows
        return not is_unknown and not (rows and all(row["refined_at"] is None for row in rows))

    # When it was right

    def _has_arrived(self) -> bool:
        """Return whether a new version came by webhook, or may have: without a raw table that is not known."""
        if self.now.raw is None:
            return True
        before, after = (self.one.judged.raw or {}).get(self.one.key), self.now.raw.get(self.one.key)
        return bool(after and after["by_webhook"] and (before is None or before["row_id"] != after["row_id"]))

    def _allowed(self) -> timedelta:
        policy = self.audit.parameters.policy
        return timedelta(seconds=policy.in_flight_seconds + policy.clock_error_seconds)

    def _latest(self) -> datetime:
        """Return when the look was at the latest by any clock: a later time is wrong, and proves nothing."""
        return datetime.fromisoformat(self.audit.instant) + timedelta(seconds=self.seconds + 1) + self.now.clock_error

    def _was_in_flight(self) -> bool:
        """Return whether what is right by now was under way at the run's instant by right."""
        if self._is_in_time() or not self.one.in_flight:
            return self._is_in_time()
        judged, now = (both.source.get(self.one.key) for both in (self.one.judged, self.now))
        is_same = judged and now and same_json(judged.record, now.record)
        return not is_same or self._changed() is None or self._was_not_due()

    def _is_in_time(self) -> bool:
        """Return whether it was right so soon after its change that it was under way by right."""
        key, allowed = self.one.key, self._allowed()
        changed, came = self._changed(), self._came()
        if changed is not None:
            return came is not None and came <= changed + WHOLE_SECOND + allowed
        # It was in this state when its list was read, and for how long is not known: only what came by itself counts.
        raw, ended = (self.now.raw or {}).get(key), self.audit.source.ended(key[0], self.now.name)
        return bool(raw and ended and self._has_arrived() and raw["received_at"] <= ended + allowed)

    def _was_not_due(self) -> bool:
        """Return whether the change was so recent at the run's instant that it did not have to be here."""
        changed, instant = self._changed(), datetime.fromisoformat(self.audit.instant)
        return changed is not None and instant <= changed + WHOLE_SECOND + self._allowed()

    def _changed(self) -> datetime | None:
        """When the source's record came into the state that was judged, unless it tells a time that had not been."""
        item, changed = self.one.judged.source.get(self.one.key), self.one.judged.changed(self.one.key)
        if changed is None and item and self.one.explains.startswith("missing"):
            changed = instant_at(item.top, self.now.resource.known.created)
        return changed if changed is None or changed <= self._latest() else None

    def _came(self) -> datetime | None:
        """When our side came into the state that is right, the refined row if it is the one that was not."""
        raw, rows = (self.now.raw or {}).get(self.one.key), self.now.refined.get(self.one.key, [])
        times = [] if self.one.explains.endswith("in raw") else [row["refined_at"] for row in rows]
        known = [time for time in times if time]
        return max(known) if known else raw["received_at"] if raw else None
