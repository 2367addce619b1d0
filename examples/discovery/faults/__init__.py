"""Faults that the sample can have, and for each what an audit must and may say of it.

A fault is a function `(sample, random) -> Planted` whose name is the fault's. It is caused in the database, as a
careless migration would, or by a switch that the API's code reads, and stays until the sample is healed. A name that
starts with `_` is a helper's.
"""

from examples.answer_key import Expected, Planted, recorded
from examples.planting import Fault, chosen, collected

from . import api, constraints, orphans, performance, tenancy

FAULTS = collected(orphans, constraints, tenancy, api, performance)

# Those that can be planted side by side, in this order.
TOUR = ("asset_lost_its_raw_record", "check_constraint_missing", "policy_uses_wrong_column", "endpoints_disagree")

__all__ = ["FAULTS", "TOUR", "Expected", "Planted", "named", "recorded"]


def named(name: str) -> Fault:
    return chosen(name, FAULTS, "discovery")
