"""Faults that the sample can have, and for each what an audit must and may say of it.

A fault is a function `(sample, random) -> Planted` whose name is the fault's. It is caused in the sample's copy of the
code, in the database, as a careless release would, or by a switch that the app reads, and stays until the sample is
healed. A name that starts with `_` is a helper's.
"""

from examples.planting import collected

from . import alerts, app, downgrades, measuring, migrations, rows, schema, testing

FAULTS = collected(rows, migrations, downgrades, schema, measuring, testing)
# These show in what an audit does when it is asked to act, and in nothing that is there already.
LIVE_FAULTS = collected(app, alerts)

# Those that can be planted side by side, in this order.
TOUR = ("provenance_not_set", "job_disagrees_with_rows", "downgrade_deletes_more", "dashboard_names_unknown_metric")
