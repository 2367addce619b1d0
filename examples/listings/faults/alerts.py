"""Faults of alert rules that only show when what they watch for happens."""

from random import Random
from typing import TYPE_CHECKING

from examples.answer_key import Expected, Planted

from .choosing import monitored

if TYPE_CHECKING:
    from ..sample import Sample


def alert_never_fires(sample: "Sample", random: Random) -> Planted:
    """The rule on failures asks for a result that the app calls otherwise, and so do the rule's own tests."""
    for name in ("alert-rules.yml", "alert-tests.yml"):
        path = monitored(sample, name)
        path.write_text(path.read_text(encoding="utf-8").replace('"failed"', '"failure"'), encoding="utf-8")
    must = [Expected("alerts_fire", keys=["HighImportFailureRate"])]
    return Planted("alert_never_fires", mode=0, how="edited", must=must)
