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
