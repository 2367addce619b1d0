"""Faults that the sample can have, and for each what an audit must and may say of it.

A fault is a function `(sample, random) -> Planted` whose name is the fault's, in the module of the phase that finds its
root. It is caused in the running system, through the switches of its processes and changes at the source, wherever
that is possible, and chooses its rows with `random`. A name that starts with `_` is a helper's.
"""

from examples.planting import collected

from . import (
    accuracy,
    causes,
    configuration,
    deduplication,
    documents,
    live,
    logs,
    monitoring,
    performance,
    polling,
    realtime,
    relations,
    starting,
    sync_code,
    values,
    webhooks,
)

SUBJECTS = (
    configuration,
    sync_code,
    webhooks,
    deduplication,
    accuracy,
    causes,
    polling,
    values,
    relations,
    realtime,
    performance,
    logs,
    monitoring,
    documents,
)

# One or two of each phase that can be planted side by side in this order.
TOUR = (
    "scope_without_comment",
    "paging_taken_out",
    "subscription_removed",
    "delivery_stored_twice",
    "zero_decimals_divided",
    "wrong_tenant",
    "clock_ahead",
    "table_undocumented",
    "refinement_fails",
    "orders_update_dropped",
)


FAULTS = collected(*SUBJECTS)
# These show in what an audit does at the source when it is asked to, and in nothing that is there already.
LIVE_FAULTS = collected(live, starting)
