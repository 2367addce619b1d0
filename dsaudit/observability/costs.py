"""What it costs to record something: metrics like those of a system, in a registry of our own, timed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from timeit import Timer
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Summary

MOST_TIMES, ROUNDS, ROUND_SECONDS = 2000, 5, 0.02
LARGE = 1e15  # beyond the buckets of any histogram, which are gone through one by one: what is slow costs the most
RECORDED = ("Counter", "Gauge", "Histogram", "Summary")
BY_TYPE: dict[str, Any] = {"counter": Counter, "gauge": Gauge, "histogram": Histogram, "summary": Summary}


@dataclass(frozen=True)
class Cost:
    """What one record of a metric costs, in milliseconds: the quickest round, as others are those of a busy machine."""

    name: str
    kind: str
    labels: int
    milliseconds: float


def of_metric(name: str, kind: str, labels: tuple[str, ...], made: Any) -> Cost:
    """Time one record of a metric, the look-up of its labels among it; what nothing costs is taken off."""
    values = dict.fromkeys(labels, "value")
    record = {"Counter": "inc", "Gauge": "inc"}.get(kind, "observe")

    def recorded() -> None:
        one = made.labels(**values) if values else made
        getattr(one, record)(LARGE)

    spent = _quickest(recorded) - _quickest(lambda: None)
    return Cost(name, kind.lower(), len(labels), 1000 * max(spent, 0))


def like(name: str, kind: str, labels: frozenset[str], buckets: Sequence[float] = ()) -> Cost | None:
    """Time a metric like one that is exposed; None of a kind that is not recorded by an operation."""
    if kind not in BY_TYPE:
        return None
    names = tuple(sorted(labels - {"le", "quantile"}))
    more = {"buckets": buckets} if kind == "histogram" and buckets else {}
    made = BY_TYPE[kind]("one", "like one that is exposed", names, registry=CollectorRegistry(), **more)
    return of_metric(name, kind.capitalize(), names, made)


def _quickest(call: Callable[[], object]) -> float:
    """Seconds of one call in the quickest of some rounds."""
    timer = Timer(call)
    times = max(1, min(MOST_TIMES, int(ROUND_SECONDS / timer.timeit(1))))
    return min(timer.repeat(ROUNDS, times)) / times
