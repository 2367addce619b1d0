"""How far another clock is ahead of ours: an interval, narrowed by every answer that tells a time, as NTP does.

An answer was written between our sending and our receiving, so the other clock was ahead by at least what it told less
the time of receiving, and at most what it told, and what its text leaves out, less the time of sending.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from dsaudit.wording import span


class Offset(NamedTuple):
    """Seconds that one clock is ahead of another, at least and at most."""

    low: float
    high: float

    def beside(self, other: Offset) -> Offset:
        """Return how far this clock is ahead of one that is ahead of the same third clock by `other`."""
        return Offset(self.low - other.high, self.high - other.low)

    def narrowed(self, other: Offset) -> Offset | None:
        """Return what two statements on the same clocks have in common, None where they contradict each other."""
        common = Offset(max(self.low, other.low), min(self.high, other.high))
        return common if common.low <= common.high else None

    @property
    def least(self) -> float:
        """By how much the two clocks differ at least."""
        return max(self.low, -self.high, 0.0)

    def __str__(self) -> str:
        """Return it in words: ``between 1 s behind and 0.2 s ahead``."""
        ends = [f"{span(abs(end))} {'behind' if end < 0 else 'ahead'}" for end in self]
        return f"between {ends[0]} and {ends[1]}"


@dataclass
class Clock:
    """Takes in how far a clock was ahead by each of its answers; answers that contradict each other widen it."""

    low: Offset | None = None  # the least and the greatest of the lower ends
    high: Offset | None = None

    def note(self, told: float, before: float, after: float, resolution: float = 0.0) -> None:
        """Take in an answer between two looks at our clock; it told a time at most `resolution` too early."""
        self.take(Offset(told - after, told + resolution - before))

    def take(self, one: Offset) -> None:
        """Take in how far the clock was ahead by one answer."""
        low, high = self.low or Offset(one.low, one.low), self.high or Offset(one.high, one.high)
        self.low = Offset(min(low.low, one.low), max(low.high, one.low))
        self.high = Offset(min(high.low, one.high), max(high.high, one.high))

    @property
    def offset(self) -> Offset | None:
        """What all answers have in common; where they have nothing, all that they leave open. None without any."""
        if self.low is None or self.high is None:
            return None
        common, every = Offset(self.low.high, self.high.low), Offset(self.low.low, self.high.high)
        return common if common.low <= common.high else every


def widest(offsets: Iterable[Offset]) -> Offset | None:
    """Return what holds for several clocks at once, None where there is none."""
    listed = list(offsets)
    return Offset(min(one.low for one in listed), max(one.high for one in listed)) if listed else None
