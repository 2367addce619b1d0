"""A slow reference in plain Python: what an audit has to find in a sample as it stands.

It reads every row of every table (`exporting.of_database`) and every record of the source (`exporting.of_source`) and
goes through them in loops and dicts. It knows the sample's parameter file, what each check claims, and nothing else of
dsaudit: no code, no query. Where it, the planter's answer key and dsaudit do not say the same, one of the three is
wrong; `tests.faults.triangle` holds them together.
"""
