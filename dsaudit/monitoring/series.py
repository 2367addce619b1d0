"""What is known of each value that is watched: how it stands to its limit, since when, and how it went."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from dsaudit.monitoring.metric import Metric
from dsaudit.monitoring.reading import Labels, Reading
from dsaudit.parameters import Parameters

State = Literal["within", "beyond", "unknown", "shown"]
REMEMBERED = 20  # values
Key = tuple[str, Labels]


@dataclass
class Series:
    """One value of a metric over time, or the metric as a whole where none of its values is known yet.

    ``value`` is None where it is unknown, and `why` says then why; what has no limit is only ``shown``.
    """

    metric: Metric
    labels: Labels
    limit: float | None
    state: State
    since: datetime
    value: float | None = None
    why: str = ""
    past: deque[float | None] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    @property
    def name(self) -> str:
        """The series as Prometheus writes it, the integration's label aside."""
        told = ", ".join(f'{name}="{value}"' for name, value in zip(self.metric.labels, self.labels, strict=False))
        return f"{self.metric.name}{{{told}}}" if told else self.metric.name

    @property
    def told(self) -> str:
        """The value in words."""
        return "unknown" if self.value is None else self.metric.told(self.value)

    @property
    def told_limit(self) -> str:
        """The limit in words."""
        return "" if self.limit is None else f"at most {self.metric.told(self.limit)}"


Watched = dict[Key, Series]


def advanced(before: Watched, reading: Reading, parameters: Parameters) -> Watched:
    """Return what is known after a reading: a metric that was not read keeps its series, and they are unknown."""
    after: Watched = {}
    for metric, labels, value, why in _read(before, reading):
        known = before.get((metric.name, labels))
        limit = metric.limit_of(dict(zip(metric.labels, labels, strict=False)), parameters)
        state = _state(value, limit)
        since = known.since if known and known.state == state else reading.time
        one = Series(metric, labels, limit, state, since, value, why)
        one.past.extend([*(known.past if known else ()), value])
        after[metric.name, labels] = one
    return after


def _read(before: Watched, reading: Reading) -> Iterator[tuple[Metric, Labels, float | None, str]]:
    for metric, values in reading.values.items():
        yield from ((metric, labels, value, "") for labels, value in values.items())
    for metric, why in reading.unknown.items():
        known = [one.labels for one in before.values() if one.metric == metric]
        yield from ((metric, labels, None, why) for labels in known or [()])


def _state(value: float | None, limit: float | None) -> State:
    if value is None:
        return "unknown"
    return "shown" if limit is None else "beyond" if value > limit else "within"


class Changes:
    """Tells in lines what has changed: a value that passes its limit or comes back, what is unknown and known again."""

    def __init__(self) -> None:
        self._last: dict[Key, State] = {}  # of each value when it was known
        self._unknown: set[str] = set()
        self._away = False

    def lines(self, watched: Watched, reading: Reading) -> Iterator[str]:
        """Yield what is to be told of a reading; while the database is away, that alone."""
        if bool(reading.away) != self._away:
            yield f"the database is away: {reading.away}" if reading.away else "the database is back"
        self._away = bool(reading.away)
        if reading.away:
            return
        unknown = {metric.name: why for metric, why in reading.unknown.items()}
        yield from (f"{name}: unknown: {why}" for name, why in unknown.items() if name not in self._unknown)
        yield from (f"{name}: known again" for name in sorted(self._unknown - unknown.keys()))
        self._unknown = {*unknown}
        for key, one in watched.items():
            if one.limit is None or one.state == "unknown":
                continue
            if one.state != self._last.get(key, "within"):
                yield f"{one.name}: {one.told} ({one.state}: {one.told_limit})"
            self._last[key] = one.state
