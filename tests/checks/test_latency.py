"""Latencies are judged as intervals, as wide as what the measured clocks leave open."""

from __future__ import annotations

from typing import Any

import pytest

from dsaudit.clock import Offset
from dsaudit.source.recording import SOURCE_TO_US
from dsaudit.verdict import Status, Verdict
from tests.checks.auditing import opened, told

LIMIT = "latency_within_limit"


def judged(sample: Any, offset: Offset, *names: str) -> list[Verdict]:
    """Return the verdicts on the clean sample, as if the source's clock were ahead of the database's by `offset`."""
    with opened(sample.parameters, sample.environment) as audit:
        audit.source.offsets[SOURCE_TO_US] = offset
        return [audit.check(name) for name in names]


@pytest.mark.parametrize(
    ("offset", "status", "words"),
    [
        (Offset(-0.5, 0.5), Status.PASS, "at most"),
        (Offset(-1, 60), Status.INCONCLUSIVE, "the limit lies in between"),
        (Offset(60, 61), Status.FAIL, "at least"),
    ],
)
def test_a_limit_is_kept_or_broken_by_the_whole_interval(
    sample: Any, offset: Offset, status: Status, words: str
) -> None:
    (verdict,) = judged(sample, offset, LIMIT)
    assert verdict.status is status, told(verdict)
    for result in verdict.results:
        assert words in f"{result.observed} {result.reason}"


def test_a_clock_that_is_behind_makes_records_come_from_the_future(sample: Any) -> None:
    offset = Offset(-61, -60)
    agree, record, delivery = judged(
        sample, offset, "clocks_agree", "no_record_from_the_future", "no_delivery_from_the_future"
    )
    assert [one.status for one in (agree, record, delivery)] == [Status.FAIL] * 3
    assert [row[0] for row in agree.rows] == [SOURCE_TO_US]
    assert {row[4] for row in record.rows} == {"changed to stored"}


def test_what_the_clocks_were_is_noted_with_the_reading(sample: Any) -> None:
    with opened(sample.parameters, sample.environment) as audit:
        measured = audit.source.offsets
        verdict = audit.check("clocks_agree")
    assert set(measured) == {SOURCE_TO_US, "source, here", "database, here"}
    assert all(one.low <= 0 <= one.high for one in measured.values()), "one machine has one clock"
    assert measured["database, here"].high - measured["database, here"].low < 1
    assert len(verdict.limits) == 3
