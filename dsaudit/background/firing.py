"""Whether what a schedule began came when it was due: times missed, times too many, and a rhythm of its own.

A start is held against the times at which it was due, and not against the start before it. A run that waited for a long
one begins late, and the next ones follow it at once; that is neither a gap nor a double. What lies before the first
start, of which nothing is known, is not judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from dsaudit.background.crontab import CrontabError, firings, parsed
from dsaudit.background.runs import DAYS

if TYPE_CHECKING:
    import pandas as pd

    from dsaudit.parameters.schedule import Schedule

STEADY = 0.8  # of the pauses have to be alike to be a rhythm
MOST_TIMES = 1000  # missed ones that are held against what was under way; more are no question of it
AT_ONCE = timedelta(seconds=2)  # between the end of a run and the start that it held up
LONGEST_RUN = timedelta(hours=1)  # what has no end, and is followed by nothing, counts as under way for no longer


@dataclass(frozen=True)
class Finding:
    """What is wrong: a ``gap`` in which so many runs were missed, a ``double``, or the ``drift`` of all pauses.

    `begin` and `end` are the starts on both sides; a gap that goes on has no end. Of a double `seconds` are those since
    the start before it, of a drift those of the usual pause.
    """

    kind: str
    begin: datetime
    end: datetime | None
    missed: int | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Busy:
    """When runs were under way, whatever began them: what is due then may come later, or not at all."""

    spans: Sequence[tuple[datetime, datetime]]

    @classmethod
    def of(cls, runs: Sequence[tuple[datetime, datetime | None]], until: datetime) -> Busy:
        """Return when these runs were under way, given with start and end in their order."""
        following = [*(begin for begin, _ in runs[1:]), until]
        return cls(
            [
                (begin, end or min(after, begin + LONGEST_RUN))
                for (begin, end), after in zip(runs, following, strict=True)
            ]
        )

    def at(self, time: datetime) -> bool:
        """Return whether one was under way."""
        return any(begin <= time <= end for begin, end in self.spans)

    def until(self, time: datetime) -> bool:
        """Return whether one ended just then."""
        return any(abs(time - end) <= AT_ONCE for _, end in self.spans)


def drift(starts: Sequence[datetime], interval: timedelta, tolerance: float) -> Finding | None:
    """Return the rhythm of the starts where it is steady, and another than the declared one.

    One of half the interval is left to be told as doubles: so look two schedulers that do not know each other.
    """
    pauses = [(late - early).total_seconds() for early, late in pairwise(starts)]
    if len(pauses) < 3:
        return None
    usual, wanted = median(pauses), interval.total_seconds()
    is_steady = sum(abs(pause - usual) <= tolerance * usual for pause in pauses) >= STEADY * len(pauses)
    is_half = abs(usual - wanted / 2) <= tolerance * wanted / 2
    if not is_steady or is_half or abs(usual - wanted) <= tolerance * wanted:
        return None
    return Finding("drift", starts[0], starts[-1], seconds=round(usual, 3))


def by_interval(
    starts: Sequence[datetime], busy: Busy, interval: timedelta, tolerance: float, until: datetime
) -> list[Finding]:
    """Return what is wrong with starts that are due at a fixed interval, from the first one on."""
    found: list[Finding] = []
    if not starts:
        return found
    allowed = tolerance * interval
    starts = starts[_first_on_time(starts, busy, interval, allowed) :]
    due, on_time = starts[0] + interval, starts[0]
    for place, start in enumerate(starts[1:], 1):
        before, late = starts[place - 1], start - due
        follower = starts[place + 1] - start if place + 1 < len(starts) else interval
        if late < -allowed:
            found.append(Finding("double", before, start, seconds=(start - before).total_seconds()))
        elif late <= allowed:
            due, on_time = due + late / 2 + interval, start  # a scheduler's own time creeps on a little
        elif follower < interval - allowed:
            due += interval  # what waited is still catching up
        else:
            found += _gap(on_time, start, _missed(due, start, busy, interval, allowed))
            due, on_time = start + interval, start
    return [*found, *_silence(starts[-1], due, busy, interval, until)]


def _first_on_time(starts: Sequence[datetime], busy: Busy, interval: timedelta, allowed: timedelta) -> int:
    """Return the place of the first start that gives the grid: those before it may have waited for a worker.

    That is the first that is followed by a whole interval, if each before it is on its grid or followed a run at once.
    """
    pauses = [late - early for early, late in pairwise(starts)]
    first = next((place for place, pause in enumerate(pauses) if pause >= interval - allowed), 0)
    for start in starts[1:first]:
        off = (starts[first] - start) % interval
        if min(off, interval - off) > allowed and not busy.until(start):
            return 0
    return first


def _missed(due: datetime, start: datetime, busy: Busy, interval: timedelta, allowed: timedelta) -> int:
    """Return how many times nothing came that was due before a start, but while another run was under way."""
    count = round((start - due) / interval)
    if count > MOST_TIMES:
        return count
    times = (due + place * interval for place in range(count))
    return sum(not busy.at(time) and not busy.at(time + allowed) for time in times)


def _gap(begin: datetime, end: datetime | None, missed: int) -> list[Finding]:
    return [Finding("gap", begin, end, missed=missed)] if missed else []


def _silence(last: datetime, due: datetime, busy: Busy, interval: timedelta, until: datetime) -> list[Finding]:
    """Return the gap that goes on: more than a single time was missed, as the last one may be waiting."""
    missed = _missed(due, until, busy, interval, timedelta()) if until > due else 0
    return _gap(last, None, missed) if missed > 1 else []


def by_times(
    starts: Sequence[datetime], busy: Busy, times: Sequence[tuple[datetime, bool]], tolerance: float, until: datetime
) -> list[Finding]:
    """Return what is wrong with starts that are due at certain times, each with whether it is due for certain."""
    found: list[Finding] = []
    owed: list[bool] = []  # what was due and has not come yet, and whether it had to
    place, begun = 0, starts[0] if starts else until
    for number, (due, is_certain) in enumerate(times):
        following = times[number + 1][0] if number + 1 < len(times) else until
        early = min(tolerance * (following - due), timedelta(minutes=1))
        own = []
        while place < len(starts) and starts[place] < following - early:
            own.append(starts[place])
            place += 1
        if not own:
            owed.append(is_certain and not busy.at(due))
            continue
        extra = own[1 + len(owed) :] if number else []  # of what waited before the first start nothing is known
        found += [Finding("double", own[0], one, seconds=(one - own[0]).total_seconds()) for one in extra]
        found += _gap(begun, own[0], sum(owed[len(own) - 1 :]))
        owed, begun = [], own[-1]
    return [*found, *(_gap(begun, None, sum(owed)) if sum(owed) > 1 else [])]


def judged(
    schedule: Schedule, starts: Sequence[datetime], history: pd.DataFrame, until: datetime
) -> tuple[list[Finding], str | None]:
    """Return what is wrong with the starts of a schedule, or why that cannot be told.

    `history` has all runs, whatever began them; see `dsaudit.background.runs`.
    """
    if not starts:
        return [], None
    worked = history[history["state"] != "skipped"]
    busy = Busy.of(list(zip(worked["started_at"], worked["ended_at"], strict=True)), until)
    tolerance = schedule.tolerance_percent / 100
    if schedule.seconds is not None:
        interval = timedelta(seconds=schedule.seconds)
        other = drift(starts, interval, tolerance)
        return ([other] if other else by_interval(starts, busy, interval, tolerance, until)), None
    try:
        crontab = parsed(schedule.crontab or "")
    except CrontabError as error:
        return [], f"schedule.crontab: {error}"
    # The first start came at some time before it; that is where its times begin.
    times = firings(crontab, ZoneInfo(schedule.zone), starts[0] - timedelta(days=DAYS), until)
    earlier = [one for one in times if one[0] <= starts[0] + timedelta(minutes=1)]
    times = [*earlier[-1:], *times[len(earlier) :]]
    return by_times(starts, busy, times, tolerance, until), None
