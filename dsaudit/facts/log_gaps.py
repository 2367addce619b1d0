"""Where a log fell silent: rows of deliveries that it does not name, and of syncs during which it has no line."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any

from dsaudit.facts.changes import CHANCE, by_chance
from dsaudit.facts.logs import lines, settled_until
from dsaudit.logs import Log

if TYPE_CHECKING:
    from dsaudit.audit import Audit

MOST = 20_000  # deliveries, and syncs, that are held against a log: the latest
DELIVERIES = """
select delivery_id, received_at as began, received_at as ended from {deliveries} as d
where tenant is not null and delivery_id is not null and received_at between %(since)s and %(until)s
order by received_at desc, delivery_id limit %(most)s
"""
SYNCS = """
select null::text as delivery_id, started_at as began, coalesce(ended_at, started_at) as ended from {syncs} as s
where started_at >= %(since)s and coalesce(ended_at, started_at) <= %(until)s
order by started_at desc limit %(most)s
"""


@dataclass
class Kind:
    """The deliveries, or the syncs, of the time of a log: when each began, and whether the log tells of it."""

    name: str
    one: str
    events: list[tuple[datetime, bool]] = field(default_factory=list)

    @property
    def tells(self) -> bool:
        """Whether the log tells of any of them; else its silence says nothing."""
        return any(told for _, told in self.events)

    @property
    def _seen(self) -> list[tuple[datetime, bool]]:
        """The events from the first on that the log tells of: what was before may have been rotated away."""
        first = next((place for place, (_, told) in enumerate(self.events) if told), len(self.events))
        return self.events[first:]

    @property
    def examined(self) -> int:
        """How many events there are from the first that the log tells of."""
        return len(self._seen)

    def gaps(self) -> Iterator[dict[str, Any]]:
        """Yield the rows of untold events that are no chance, by the rule of `dsaudit.facts.changes.silences`."""
        events = self._seen
        missed, place = sum(not told for _, told in events), 0
        for told, group in groupby(events, key=lambda one: one[1]):
            length = len(list(group))
            odds = 1.0 if told else by_chance(len(events), missed, length)
            if odds < CHANCE:
                after = events[place + length][0] if place + length < len(events) else None
                gap = {"silent_from": events[place][0], "silent_to": after, "events": length}
                yield {**gap, "by_chance": float(f"{odds:.1e}")}
            place += length


def kinds(audit: Audit, log: Log) -> list[Kind]:
    """Return the deliveries and the syncs of the time that a log is read of, in their order, as far as it can tell."""
    parameters = audit.parameters
    values: dict[str, Any] = {"since": log.since, "until": settled_until(audit), "most": MOST}
    found = []
    declared = parameters.logs.columns if parameters.logs else {}
    if parameters.deliveries and "delivery_id" in parameters.deliveries.columns and "delivery_id" in declared:
        frame = audit.query(DELIVERIES, **values)
        wanted = set(frame["delivery_id"]) if len(frame) else set()
        named = {one.delivery_id for one in lines(audit) if one.delivery_id in wanted}
        events = [(row["began"], row["delivery_id"] in named) for row in frame.to_dict("records")]
        found.append(Kind("deliveries", "delivery", sorted(events)))
    if parameters.syncs:
        seconds, step = sorted({second for second, _ in log.notes.counts}), log.notes.step
        margin = timedelta(seconds=parameters.policy.clock_error_seconds)
        frame = audit.query(SYNCS, **values)
        events = [
            (row["began"], _has_line(seconds, step, row["began"] - margin, row["ended"] + margin))
            for row in frame.to_dict("records")
        ]
        found.append(Kind("syncs", "sync", sorted(events)))
    return found


def _has_line(seconds: list[int], step: int, begin: datetime, end: datetime) -> bool:
    """Return whether a log has a line between two times, as exactly as its lines are counted."""
    place = bisect_left(seconds, int(begin.timestamp()) // step * step)
    return place < len(seconds) and seconds[place] <= end.timestamp()
