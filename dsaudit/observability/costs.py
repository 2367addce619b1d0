"""What it costs to record something: metrics like those of a system, in a registry of our own, timed."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Summary

TIMES, ROUNDS = 2000, 5
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
        getattr(one, record)(0.5)

    spent = _quickest(recorded) - _quickest(lambda: None)
    return Cost(name, kind.lower(), len(labels), 1000 * max(spent, 0) / TIMES)


def like(name: str, kind: str, labels: frozenset[str]) -> Cost | None:
    """Time a metric like one that is exposed; None of a kind that is not recorded by an operation."""
    if kind not in BY_TYPE:
        return None
    names = tuple(sorted(labels - {"le", "quantile"}))
    made = BY_TYPE[kind]("one", "like one that is exposed", names, registry=CollectorRegistry())
    return of_metric(name, kind.capitalize(), names, made)


def _quickest(call: Any) -> float:
    rounds = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        for _ in range(TIMES):
            call()
        rounds.append(time.perf_counter() - begun)
    return min(rounds)
