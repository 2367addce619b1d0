"""Faults that the sample can have, and for each what an audit must and may say of it.

A fault is a function `(sample, random) -> Planted` whose name is the fault's. It is caused in the running system, by
switches that the app's code reads or by new processes with another setting, and stays on until the sample is healed.
Where it shows by itself, the planter waits until it does. A name that starts with `_` is a helper's.
"""

from examples.planting import collected

from . import data, failures, flag, logs, schedule, writing

FAULTS = collected(writing, schedule, flag, failures, logs, data)
LIVE_FAULTS = collected()  # each shows by itself

# Those that can be planted side by side, in this order.
TOUR = ("task_ignores_flag", "statistics_missing_from_log", "domain_not_normalised", "referral_type_missing_from_view")
