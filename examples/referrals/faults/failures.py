"""Faults of what comes of it when the partner refuses: they show while it does."""

from random import Random
from typing import TYPE_CHECKING

from examples.answer_key import Expected, Planted

from .switching import begun_later, switched_on

if TYPE_CHECKING:
    from ..sample import Sample


def exception_crashes_worker(sample: "Sample", random: Random) -> Planted:
    """A refusal by the partner ends the worker's main process, and with it whatever it was to do."""
    switched_on(sample, "exception_crashes_worker")
    must = [Expected("failure_is_logged_and_survived")]
    # What comes after the induced failure finds no worker.
    may = ["sync_fires_on_schedule", "last_sync_completed", "flag_off_skips_the_task"]
    return Planted("exception_crashes_worker", mode=0, how="caused", must=must, may=may)


def api_errors_swallowed(sample: "Sample", random: Random) -> Planted:
    """A sync that the partner refused ends as a success that read nothing; so did one just now."""
    switched_on(sample, "api_errors_swallowed")
    begun_later(sample)
    sample.refuse(503)
    sample.scheduled()
    sample.refuse(None)
    must = [Expected("failure_is_logged_and_survived", keys=["told as a success"])]
    may = ["syncs_fetched_records", "source_missing_in_refined"]
    return Planted("api_errors_swallowed", mode=0, how="caused", must=must, may=may)
