"""What the project's own tests have left, as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from dsaudit.facts import own_tests as facts
from dsaudit.functions import Row
from dsaudit.own_tests import percent

if TYPE_CHECKING:
    from dsaudit.audit import Audit

OUTCOMES = ("passed", "failed", "error", "skipped")


def own_test_results(audit: Audit) -> pd.DataFrame:
    """What the project's own tests have left: each file with its tests or what it covers, and when it was made.

    needs: own_tests
    key: file
    show: file, made, commit, passed, failed, error, skipped, covered, of, percent
    """
    found, times = facts.results(audit), facts.times(audit)
    made = {path: f"{at:%Y-%m-%d %H:%M:%S} UTC" for path, (at, _) in times.items()}
    rows: list[Row] = [
        {"file": one.path.name, "made": made[one.path], "commit": facts.commit_of(one)}
        | {outcome: len(one.of(outcome)) for outcome in OUTCOMES}
        for one in found.reports
    ]
    for one in found.measured:
        files = one.files.values()
        share = percent(files)
        rows.append(
            {"file": one.path.name, "made": made[one.path], "covered": sum(file.hit for file in files),
             "of": sum(file.there for file in files), "percent": None if share is None else round(share, 2)}
        )  # fmt: skip
    return pd.DataFrame(rows, dtype=object)
