"""Faults that the sample can have, and for each what an audit must and may say of it.

A fault is a function `(sample, random) -> Planted` whose name is the fault's. It is caused in the database, as a
careless migration would, or by a switch that the API's code reads, and stays until the sample is healed. A name that
starts with `_` is a helper's.
"""

from examples.planting import collected

from . import api, constraints, imports, orphans, performance, pipeline, tenancy

FAULTS = collected(orphans, constraints, tenancy, api, performance, imports)
# These show in what an audit does when it is asked to act, and in nothing that is there already.
LIVE_FAULTS = collected(pipeline)

# Those that can be planted side by side, in this order.
TOUR = ("asset_lost_its_raw_record", "check_constraint_missing", "policy_uses_wrong_column", "endpoints_disagree")
