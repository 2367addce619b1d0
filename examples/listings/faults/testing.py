"""Faults of the app's own tests: of what they find, what they leave out, and when they ran."""

from random import Random
from typing import TYPE_CHECKING

from examples.answer_key import Expected, Planted
from examples.editing import replaced

if TYPE_CHECKING:
    from ..sample import Sample

METRICS = "app/services/deal_metrics.py"


def own_test_fails(sample: "Sample", random: Random) -> Planted:
    """A release rounds down what is half-way; the unit tests found it, and nobody looked at them."""
    replaced(sample.code / METRICS, "Decimal(1).scaleb(-places), ROUND_HALF_UP", "Decimal(1).scaleb(-places)")
    must = [Expected("own_tests_pass", keys=["test_what_is_half_way_is_rounded_up"])]
    return Planted("own_test_fails", mode=0, how="caused", must=must)


def own_tests_left_out(sample: "Sample", random: Random) -> Planted:
    """The tests of a module were taken out, for the time being; the others pass, and cover nothing of it."""
    (sample.code / "tests" / "test_extraction.py").unlink()
    must = [Expected("own_tests_cover_enough", keys=["app/services/extraction.py"])]
    return Planted("own_tests_left_out", mode=0, how="caused", must=must)


def changed_after_the_tests(sample: "Sample", random: Random) -> Planted:
    """Storage was given another price, and the tests have not run since."""
    replaced(sample.code / METRICS, 'STORAGE = Decimal("0.04")', 'STORAGE = Decimal("0.05")')
    must = [Expected("own_tests_are_of_this_code", keys=["junit.xml", "coverage.xml"])]
    return Planted("changed_after_the_tests", mode=0, how="edited", must=must)
