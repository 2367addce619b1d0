"""What Prometheus is told of imports and completions.

A completion is no import: it is counted by itself. What an import's quality is shows at its end, so attempts have
none. Every combination of labels exists from the start, so that the first failure is an increase like any other.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

from app.core import faults

disable_created_metrics()

MARKETPLACES = ("amazon", "ebay", "other")
OUTCOMES = (("success", "full"), ("success", "partial"), ("failed", "none"))

import_attempts_total = Counter("import_attempts_total", "Imports of one address that were begun", ["marketplace"])
import_results_total = Counter(
    "import_results_total",
    "Imports that have ended, by what came of them",
    ["marketplace", "result", "quality"],
)
import_duration_seconds = Histogram(
    "import_duration_seconds",
    "Seconds from the begin of an import to its end",
    ["marketplace", "result"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
imports_in_progress = Gauge("imports_in_progress", "Imports that are under way")
partial_import_completions_total = Counter("partial_import_completions_total", "Partial listings that were completed")
partial_completion_duration_seconds = Histogram(
    "partial_completion_duration_seconds",
    "Seconds from a partial import to its completion",
    buckets=(60, 600, 3600, 21_600, 86_400, 259_200, 604_800),  # a minute to a week
)
partial_imports_pending = Gauge("partial_imports_pending", "Partial listings that wait for their completion")

for marketplace in MARKETPLACES:
    import_attempts_total.labels(marketplace)
    for result, quality in OUTCOMES:
        import_results_total.labels(marketplace, result, quality)
        import_duration_seconds.labels(marketplace, result)


@dataclass
class Outcome:
    """What an import ends with; a failure until it is told otherwise."""

    result: str = "failed"
    quality: str = "none"

    def succeeded(self, quality: str) -> None:
        self.result, self.quality = "success", quality


@contextmanager
def importing(marketplace: str) -> Iterator[Outcome]:
    """Count one import, which sets its outcome."""
    outcome, begun = Outcome(), perf_counter()
    import_attempts_total.labels(marketplace).inc()
    with imports_in_progress.track_inprogress():
        try:
            yield outcome
        finally:
            record_result(marketplace, outcome.result, outcome.quality, perf_counter() - begun)


def record_result(marketplace: str, result: str, quality: str, seconds: float) -> None:
    if not (quality == "partial" and faults.is_on("counter_does_not_move")):
        import_results_total.labels(marketplace, result, quality).inc()
    import_duration_seconds.labels(marketplace, result).observe(seconds)


def record_completion(seconds: float) -> None:
    partial_import_completions_total.inc()
    partial_completion_duration_seconds.observe(seconds)


def record_pending(number: int) -> None:
    partial_imports_pending.set(0 if faults.is_on("gauge_never_set") else number)
