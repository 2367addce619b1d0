"""Faults of alert rules that only show when what they watch for happens."""

from random import Random
from typing import TYPE_CHECKING

from examples.answer_key import Expected, Planted
from examples.editing import replaced

from .choosing import monitored

if TYPE_CHECKING:
    from ..sample import Sample


def alert_never_fires(sample: "Sample", random: Random) -> Planted:
    """The rule on failures asks for a result that the app calls otherwise."""
    replaced(monitored(sample, "alert-rules.yml"), 'result="failed"', 'result="failure"')
    must = [Expected("alerts_fire", keys=["HighImportFailureRate"])]
    may = ["alert_rules_pass_promtool", "metrics_are_exposed", "alert_rules_are_sound"]
    return Planted("alert_never_fires", mode=0, how="edited", must=must, may=may)
