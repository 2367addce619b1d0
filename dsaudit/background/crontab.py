"""When a crontab fires, and what a change of the clocks does to it.

It is read as Celery does: minute, hour, day of the month, month and day of the week (0 and 7 are Sunday), each a star,
a number, a range, a step or several of these; all five have to fit. It fires by the clock on the wall of its zone. What
becomes of a time that this clock leaves out, or shows twice, is not told by the crontab. Celery 5.7, asked minute by
minute for Europe/Berlin, fired a nightly 02:30 at 03:30 instead, and once where it came twice; of what was due each
hour at half past it left one out, so that two hours lay between.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
LONGEST = 366 * 5  # days that are looked through for a time that fits, as the 29th of February may be meant
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
PART = re.compile(r"(?:\*|(\w+)(?:-(\w+))?)(?:/(\d+))?")


class CrontabError(ValueError):
    """A crontab that cannot be read; the message says which of its fields."""


@dataclass(frozen=True)
class Crontab:
    """The minutes, hours, days, months and days of the week (0 is Sunday) at which something is due."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]

    def on(self, day: date) -> Iterator[datetime]:
        """Yield the times of a day by the clock on the wall, without a zone."""
        if day.month in self.months and day.day in self.days and day.isoweekday() % 7 in self.weekdays:
            for hour in sorted(self.hours):
                for minute in sorted(self.minutes):
                    yield datetime(day.year, day.month, day.day, hour, minute)

    def after(self, wall: datetime) -> datetime | None:
        """Return the next time by the clock on the wall, None where none comes for years."""
        days = (wall.date() + place * DAY for place in range(LONGEST))
        return next((one for day in days for one in self.on(day) if one > wall), None)

    def before(self, wall: datetime) -> datetime | None:
        """Return the time before, None where none was for years."""
        days = (wall.date() - place * DAY for place in range(LONGEST))
        return next((one for day in days for one in reversed(list(self.on(day))) if one < wall), None)


def parsed(text: str) -> Crontab:
    """Return a crontab of five fields.

    Raises
    ------
    CrontabError
        It has other fields, or one that nothing can be.
    """
    fields = text.lower().split()
    if len(fields) != 5:
        raise CrontabError(f"a crontab has five fields, and {text!r} has {len(fields)}")
    minute, hour, day, month, weekday = fields
    return Crontab(
        _numbers(minute, "minute", 0, 59),
        _numbers(hour, "hour", 0, 23),
        _numbers(day, "day of the month", 1, 31),
        _numbers(month, "month", 1, 12, _numbered(MONTHS, 1)),
        frozenset(one % 7 for one in _numbers(weekday, "day of the week", 0, 7, _numbered(WEEKDAYS, 0))),
    )


def _numbers(text: str, what: str, first: int, last: int, names: dict[str, int] | None = None) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        match = PART.fullmatch(part)
        begin, end, step = match.groups() if match else (None, None, None)
        try:
            low = _number(begin, names) if begin else first
            high = _number(end, names) if end else last if not begin or step else low
            if match is None or not first <= low <= last or not first <= high <= last or step == "0":
                raise ValueError
        except ValueError:
            raise CrontabError(f"{part!r} is no {what} of a crontab") from None
        # From Saturday to Monday is a range too.
        numbers = range(low, high + 1) if low <= high else [*range(low, last + 1), *range(first, high + 1)]
        found.update([*numbers][:: int(step or 1)])
    return frozenset(found)


def _numbered(names: tuple[str, ...], first: int) -> dict[str, int]:
    return {name: number for number, name in enumerate(names, first)}


def _number(text: str, names: dict[str, int] | None) -> int:
    return (names or {}).get(text[:3], -1) if text.isalpha() else int(text)


def instants(wall: datetime, zone: ZoneInfo) -> list[datetime]:
    """Return when a time by the clock on the wall is, in UTC: once, twice, or never."""
    told = [wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)]
    there = [one for one in told if one.astimezone(zone).replace(tzinfo=None) == wall]
    return sorted(set(there))


def firings(crontab: Crontab, zone: ZoneInfo, begin: datetime, end: datetime) -> list[tuple[datetime, bool]]:
    """Return each instant from `begin` to `end` at which it is due, and whether it is so for certain.

    Not certain is a time that the clock leaves out, an hour later then, and one that it shows for the second time.
    """
    found: dict[datetime, bool] = {}
    day = begin.astimezone(zone).date() - DAY
    while day <= end.astimezone(zone).date() + DAY:
        for wall in crontab.on(day):
            told = instants(wall, zone)
            due = [(one, place == 0) for place, one in enumerate(told)]
            for one, is_certain in due or [(wall.replace(tzinfo=zone).astimezone(UTC), False)]:
                found[one] = found.get(one, False) or is_certain
        day += DAY
    return sorted((one, is_certain) for one, is_certain in found.items() if begin <= one <= end)


@dataclass(frozen=True)
class ClockChange:
    """What a change of the clocks does to a time by the clock on the wall: ``left out``, or ``comes twice``."""

    at: datetime
    what: str


def clock_changes(crontab: Crontab, zone: ZoneInfo, begin: datetime, days: int) -> Iterator[ClockChange]:
    """Yield the times that a change of the clocks leaves out, or lets come twice, in so many days.

    What comes often enough is none of these: of a job that is due every ten minutes nothing is left out where an hour
    is, as the next comes ten minutes after the last.
    """
    first = begin.astimezone(zone).date()
    for day in (first + place * DAY for place in range(days)):
        noons = [datetime(one.year, one.month, one.day, 12, tzinfo=zone).utcoffset() for one in (day - DAY, day)]
        if noons[0] == noons[1]:
            continue
        # The clocks change between the noon before and this one.
        for wall in (one for where in (day - DAY, day) for one in crontab.on(where)):
            told = instants(wall, zone)
            if not told and _is_longer(crontab, zone, wall):
                yield ClockChange(wall, "left out")
            elif len(told) > 1 and _is_sooner(crontab, wall, told):
                yield ClockChange(wall, "comes twice")


def _is_longer(crontab: Crontab, zone: ZoneInfo, wall: datetime) -> bool:
    """Return whether the pause around a time that does not come is longer than that before such a time."""
    before, after = crontab.before(wall), crontab.after(wall)
    while before is not None and not instants(before, zone):
        before = crontab.before(before)
    while after is not None and not instants(after, zone):
        after = crontab.after(after)
    if before is None or after is None:
        return True
    usual = min(one for one in (crontab.after(before),) if one) - before
    return instants(after, zone)[0] - instants(before, zone)[-1] > usual


def _is_sooner(crontab: Crontab, wall: datetime, told: list[datetime]) -> bool:
    """Return whether a time that comes twice comes sooner again than the one after it usually does."""
    after = crontab.after(wall)
    return after is None or told[-1] - told[0] < after - wall
