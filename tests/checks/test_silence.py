"""What is said of webhooks where too little changed to tell a silence from chance, or nothing was to be told."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import pandas as pd
import pytest

from dsaudit.facts.changes import changes
from dsaudit.functions.silence import LEAST
from dsaudit.verdict import Status
from examples.storefront.faults.realtime import changes_polled
from tests.checks.auditing import opened, told


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


@pytest.mark.parametrize(
    "webhooks",
    [
        "[locations/create, locations/delete]\n    never: {update: the provider has no topic for it}",
        "[locations/create, locations/update, locations/delete]\n    never: {update: it is announced late}",
        "[locations/update, locations/delete]\n    never: {create: it is announced late, update: so is this}",
        "[locations/activate, locations/delete]",
    ],
)
def test_a_change_that_no_topic_tells_of_is_due_by_none(webhooks: str, polled: Any) -> None:
    file = polled.parameters.with_name("never.yml")
    text = polled.parameters.read_text(encoding="utf-8")
    declared = "webhooks: [locations/create, locations/update, locations/delete]"
    assert declared in text
    file.write_text(text.replace(declared, f"webhooks: {webhooks}"), encoding="utf-8")
    with opened(file, polled.environment) as audit:
        assert audit.source.index
        verdicts = [audit.check(name) for name in ("changes_come_by_webhook", "webhooks_arrive")]
    assert all(not one.rows and one.status is not Status.FAIL for one in verdicts), "\n".join(map(told, verdicts))


def test_updates_alone_are_due_by_a_topic_of_updates(polled: Any) -> None:
    file = polled.parameters.with_name("updates.yml")
    text = polled.parameters.read_text(encoding="utf-8")
    file.write_text(text.replace("[locations/create, locations/update, ", "[locations/update, "), encoding="utf-8")
    with opened(file, polled.environment) as audit:
        assert audit.source.index
        verdicts = [audit.check(name) for name in ("changes_come_by_webhook", "webhooks_arrive")]
        found = changes(audit)
    assert {row[1] for one in verdicts for row in one.rows} == {"location"}
    assert found[["tenant", "resource", "changed_at"]].notna().all().all()


@pytest.fixture(scope="module")
def polled(sample: Any) -> Iterator[Any]:
    """The sample with locations whose updates came by a sync alone."""
    with sample.clone() as shop:
        changes_polled(shop, Random(1))
        yield shop
