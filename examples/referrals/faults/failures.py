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
    kinds = ["told as a success", "no line of the log says that it failed"]
    must = [Expected("failure_is_logged_and_survived", keys=kinds)]
    may = ["syncs_fetched_records", "source_missing_in_refined"]
    return Planted("api_errors_swallowed", mode=30, how="caused", must=must, may=may)


def bad_record_ends_sync(sample: "Sample", random: Random) -> Planted:
    """A record that cannot be taken ends the sync, and those after it are not read."""
    switched_on(sample, "bad_record_ends_sync")
    must = [Expected("bad_record_stops_nothing", keys=["the sync did not end well"])]
    return Planted("bad_record_ends_sync", mode=0, how="caused", must=must)


def killed_run_left_running(sample: "Sample", random: Random) -> Planted:
    """Nobody ends the run in the history whose process was killed."""
    switched_on(sample, "killed_run_left_running")
    must = [Expected("killed_sync_is_made_up_for")]
    return Planted("killed_run_left_running", mode=0, how="caused", must=must, may=["runs_end", "runs_do_not_overlap"])


def health_degraded(sample: "Sample", random: Random) -> Planted:
    """The API says of itself that it does not reach the broker."""
    switched_on(sample, "health_degraded")
    must = [Expected("api_is_healthy", keys=["healthz"])]
    return Planted("health_degraded", mode=0, how="caused", must=must)


def task_id_withheld(sample: "Sample", random: Random) -> Planted:
    """The API does not say which task it has queued."""
    switched_on(sample, "task_id_withheld")
    must = [Expected("sync_request_is_accepted", keys=["no task id in the answer"])]
    return Planted("task_id_withheld", mode=0, how="caused", must=must)
