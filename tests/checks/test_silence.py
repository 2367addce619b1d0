"""What is said of webhooks where too little changed to tell a silence from chance."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from dsaudit.facts.changes import changes
from dsaudit.functions.silence import LEAST
from dsaudit.verdict import Status
from tests.checks.auditing import opened


@pytest.mark.parametrize(("untold", "status"), [(0, Status.PASS), (1, Status.INCONCLUSIVE)])
def test_of_few_changes_all_of_which_were_told_none_is_missed(untold: int, status: Status, sample: Any) -> None:
    with opened(sample.parameters, sample.environment) as audit:
        every = changes(audit)
        few = every[every["changed_at"] < every["changed_at"].min() + pd.Timedelta(seconds=LEAST - 2)]
        last = few["changed_at"] >= few["changed_at"].max().floor("s")
        audit.kept["changes"] = few.assign(told=~last if untold else True)
        verdict = audit.check("webhooks_come_without_a_gap")
    assert {one.status for one in verdict.results} == {status}
    reasons = {one.reason for one in verdict.results}
    assert all("too few to tell a silence from chance" in str(one) for one in reasons) if untold else reasons == {None}
