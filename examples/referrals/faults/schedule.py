"""Faults of what is queued by itself, and of who takes it."""

import time
from random import Random
from typing import TYPE_CHECKING

from examples.answer_key import Expected, Planted
from examples.control import SampleError, poll

if TYPE_CHECKING:
    from ..sample import Sample

from .switching import begun_later, switched_on

ENTRY = "sync-partner-center-referrals"
TASK = "app.core.tasks.sync_partner_center_referrals_task"
# What fails too where no sync comes any more.
SILENT = ["sync_fires_by_itself", "sync_fires_on_schedule", "last_sync_is_recent"]
# What cannot be told where no worker takes a sync.
UNKNOWN = ["second_sync_writes_nothing", "second_sync_counts_nothing_new", "concurrent_syncs_write_once",
           "killed_sync_is_made_up_for"]  # fmt: skip


def beat_entry_missing(sample: "Sample", random: Random) -> Planted:
    """The schedule of worker and beat has lost the entry of the sync, and nothing comes by itself."""
    switched_on(sample, "beat_entry_missing", recreate=["worker", "beat"])
    time.sleep(1.5 * sample.interval)
    must = [Expected("schedule_has_the_entry", keys=[ENTRY])]
    return Planted("beat_entry_missing", mode=0, how="caused", must=must, may=SILENT)


def beat_interval_wrong(sample: "Sample", random: Random) -> Planted:
    """The sync comes three times as seldom as documented."""
    sample.platform("misbehave", {"seconds": 3 * sample.interval, "recreate": ["worker", "beat"]})
    sample.scheduled(2, after=begun_later(sample))
    must = [Expected("schedule_has_the_entry", keys=[ENTRY], fields=["another interval"])]
    return Planted("beat_interval_wrong", mode=0, how="caused", must=must, may=SILENT)


def beat_fires_twice(sample: "Sample", random: Random) -> Planted:
    """A second beat runs, and queues every sync once more."""
    begun_later(sample)
    sample.platform("misbehave", {"beats": 2, "recreate": ["beat"]})
    sample.scheduled(4)
    must = [Expected("sync_fires_on_schedule", keys=["double"])]
    return Planted("beat_fires_twice", mode=0, how="caused", must=must)


def task_never_registered(sample: "Sample", random: Random) -> Planted:
    """The worker does not import the module of the task, and refuses every message that asks for it."""
    switched_on(sample, "task_never_registered", recreate=["worker"])
    log = sample.logs / "worker.log"
    for _ in poll(60, pause=0.05):
        if "unregistered task" in log.read_text(encoding="utf-8"):
            break
    else:
        raise SampleError("the worker has refused no message")
    must = [Expected("task_is_registered", keys=[TASK]), Expected("requested_sync_ran")]
    must += [Expected("direct_task_completes")]
    may = ["bad_record_stops_nothing", "failure_is_logged_and_survived", "flag_off_skips_the_task", *UNKNOWN, *SILENT]
    return Planted("task_never_registered", mode=0, how="caused", must=must, may=may)
