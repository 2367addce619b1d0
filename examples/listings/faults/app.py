"""Faults of what the app does, by switches that it reads; they show when a flow is gone through."""

from random import Random
from typing import TYPE_CHECKING

from examples.answer_key import Expected, Planted

if TYPE_CHECKING:
    from ..sample import Sample

# What cannot be said, or said well, of a flow that does not come to its end.
BROKEN_OFF = ["flows_are_quick", "errors_are_refused_readably", "metrics_follow_the_flows"]
REFUSALS, QUICK = {"flow": "refusals"}, {"flow": "partial_then_complete"}


def completed_twice(sample: "Sample", random: Random) -> Planted:
    """A listing that is complete is completed again, and its price is another."""
    sample.switch_on("completed_twice")
    must = [Expected("flows_end_as_declared", scope=REFUSALS, keys=["refusals"])]
    return Planted("completed_twice", mode=0, how="caused", must=must, may=BROKEN_OFF)


def negative_price_accepted(sample: "Sample", random: Random) -> Planted:
    """A listing is completed with a price below nothing."""
    sample.switch_on("negative_price_accepted")
    must = [Expected("flows_end_as_declared", scope=REFUSALS, keys=["refusals"])]
    return Planted("negative_price_accepted", mode=0, how="caused", must=must, may=BROKEN_OFF)


def unknown_id_is_500(sample: "Sample", random: Random) -> Planted:
    """Who asks for a listing that is not there gets an internal error."""
    sample.switch_on("unknown_id_is_500")
    must = [Expected("flows_end_as_declared", scope=REFUSALS, keys=["refusals"])]
    may = [*BROKEN_OFF, "errors_have_one_format"]
    return Planted("unknown_id_is_500", mode=0, how="caused", must=must, may=may)


def stack_trace_in_error(sample: "Sample", random: Random) -> Planted:
    """A refusal tells the lines of the code that it came from."""
    sample.switch_on("stack_trace_in_error")
    must = [Expected("errors_are_refused_readably", keys=["refusals"])]
    return Planted("stack_trace_in_error", mode=0, how="caused", must=must)


def slow_flow(sample: "Sample", random: Random) -> Planted:
    """A service looks at what is dear and from no shop, and does not answer: the flow takes longer than it may."""
    sample.switch_on("slow_flow")
    must = [Expected("flows_are_quick", scope=QUICK, keys=["partial_then_complete"])]
    may = ["flows_are_quick"]  # others that ask for the same
    return Planted("slow_flow", mode=0, how="caused", must=must, may=may)


def answer_breaks_schema(sample: "Sample", random: Random) -> Planted:
    """Listings are answered with a field of the next release, which the API's own document does not know."""
    sample.switch_on("answer_breaks_schema")
    must = [Expected("answers_have_their_schema", keys=["partial_then_complete"])]
    may = ["answers_have_their_schema"]  # in whatever flow a listing is answered
    return Planted("answer_breaks_schema", mode=0, how="caused", must=must, may=may)


def counter_does_not_move(sample: "Sample", random: Random) -> Planted:
    """Partial imports are not counted among those that have ended."""
    sample.switch_on("counter_does_not_move")
    must = [Expected("metrics_follow_the_flows", keys=["partial_then_complete"])]
    may = ["metrics_follow_the_flows"]  # in whatever flow an import ends
    return Planted("counter_does_not_move", mode=0, how="caused", must=must, may=may)


def deletion_leaves_listings(sample: "Sample", random: Random) -> Planted:
    """Who deletes a bulk job of one marketplace is left with the listings that it made."""
    sample.switch_on("deletion_leaves_listings")
    must = [Expected("flows_leave_nothing", scope={"flow": "several_partial"}, keys=["several_partial"])]
    may = ["metrics_follow_the_flows"]
    return Planted("deletion_leaves_listings", mode=63, how="caused", must=must, may=may)
