"""Faults of the feature flag: each shows while it is off."""

from random import Random
from typing import TYPE_CHECKING

from examples.answer_key import Expected, Planted

from .switching import switched_on

if TYPE_CHECKING:
    from ..sample import Sample


def task_ignores_flag(sample: "Sample", random: Random) -> Planted:
    """The task syncs whether Partner Center is enabled or not."""
    switched_on(sample, "task_ignores_flag")
    must = [Expected("flag_off_skips_the_task")]
    return Planted("task_ignores_flag", mode=0, how="caused", must=must)


def api_ignores_flag(sample: "Sample", random: Random) -> Planted:
    """The API queues a sync whether Partner Center is enabled or not."""
    switched_on(sample, "api_ignores_flag")
    must = [Expected("flag_off_refuses_the_request")]
    return Planted("api_ignores_flag", mode=0, how="caused", must=must)


def flag_reaches_the_api_alone(sample: "Sample", random: Random) -> Planted:
    """A turn of the flag recreates the API and merely leaves the worker running, with the flag as it was."""
    sample.platform("misbehave", {"flag_reaches": ["api"]})
    must = [Expected("flag_is_seen_by_every_process", keys=["worker"])]
    return Planted("flag_reaches_the_api_alone", mode=0, how="caused", must=must, may=["flag_off_skips_the_task"])


def flag_stays_off(sample: "Sample", random: Random) -> Planted:
    """Once it is off, the flag cannot be turned on again."""
    sample.platform("misbehave", {"flag_stays_off": True})
    must = [Expected("flag_is_left_as_found", keys=["on"])]
    return Planted("flag_stays_off", mode=0, how="caused", must=must, may=["flag_is_seen_by_every_process"])
