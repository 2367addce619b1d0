"""Faults of what the app says of its syncs, in its log and in its history."""

from random import Random
from typing import TYPE_CHECKING

from examples.answer_key import Expected, Planted

from .switching import begun_later, switched_on

if TYPE_CHECKING:
    from ..sample import Sample


def statistics_missing_from_log(sample: "Sample", random: Random) -> Planted:
    """The line that ends a sync says no longer what was new, updated and skipped."""
    switched_on(sample, "statistics_missing_from_log")
    sample.scheduled(after=begun_later(sample))
    must = [Expected("log_lines_have_their_fields", fields=["new", "updated", "skipped"])]
    return Planted("statistics_missing_from_log", mode=0, how="caused", must=must)


def everything_counted_new(sample: "Sample", random: Random) -> Planted:
    """Each record that was looked at is counted as new, though nothing is written."""
    switched_on(sample, "everything_counted_new")
    begun_later(sample)
    must = [Expected("second_sync_counts_nothing_new", keys=["new records were counted", "nothing was skipped"])]
    return Planted("everything_counted_new", mode=0, how="caused", must=must, may=["bad_record_stops_nothing"])
