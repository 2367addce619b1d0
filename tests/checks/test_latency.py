"""Latencies are judged as intervals, as wide as what the measured clocks leave open."""

from __future__ import annotations

from typing import Any

import pytest

from dsaudit.clock import Offset
from dsaudit.source.recording import SOURCE_TO_US
from dsaudit.verdict import Status, Verdict
from tests.checks.auditing import opened, told

LIMIT = "latency_within_limit"


def judged(sample: Any, offset: Offset, *names: str, declares: bool = False) -> list[Verdict]:
    """Return the verdicts on the clean sample, as if the source's clock were ahead of the database's by `offset`."""
    file = sample.parameters.with_name("clocks.yml")
    text = sample.parameters.read_text(encoding="utf-8")
    assert DECLARED in text
    file.write_text(text if declares else text.replace(DECLARED, ""), encoding="utf-8")
    with opened(file, sample.environment) as audit:
        audit.source.offsets[SOURCE_TO_US] = offset
        return [audit.check(name) for name in names]


DECLARED = ", clock_error_seconds: 0.1"  # without it clocks may be a second apart


@pytest.mark.parametrize(
    ("offset", "declares", "status", "words"),
    [
        (Offset(-0.5, 0.5), True, Status.PASS, "at most"),
        (Offset(-0.5, 0.5), False, Status.PASS, "at most"),
        (Offset(1, 60), False, Status.INCONCLUSIVE, "the limit lies in between"),
        (Offset(60, 61), False, Status.FAIL, "at least"),
        (Offset(60, 61), True, Status.INCONCLUSIVE, "the limit lies in between"),  # the file says that it cannot be
    ],
)
def test_a_limit_is_kept_or_broken_by_the_whole_interval(
    sample: Any, offset: Offset, declares: bool, status: Status, words: str
) -> None:
    (verdict,) = judged(sample, offset, LIMIT, declares=declares)
    assert verdict.status is status, told(verdict)
    for result in verdict.results:
        assert words in f"{result.observed} {result.reason}"


NAMES = ("clocks_agree", "no_record_from_the_future", "no_delivery_from_the_future")


def test_a_clock_that_is_behind_makes_records_come_from_the_future(sample: Any) -> None:
    agree, record, delivery = judged(sample, Offset(-61, -60), *NAMES)
    assert [one.status for one in (agree, record, delivery)] == [Status.FAIL] * 3
    assert [row[0] for row in agree.rows] == [SOURCE_TO_US]
    assert {row[4] for row in record.rows} == {"changed to stored"}


def test_a_database_whose_clock_alone_is_ahead_accuses_no_record(sample: Any) -> None:
    _, record, delivery = judged(sample, Offset(-3, -2), *NAMES, declares=True)
    assert [one.status for one in (record, delivery)] == [Status.PASS] * 2, told(record)


def test_what_the_clocks_were_is_noted_with_the_reading(sample: Any) -> None:
    with opened(sample.parameters, sample.environment) as audit:
        measured = audit.source.offsets
        verdict = audit.check("clocks_agree")
    assert set(measured) == {SOURCE_TO_US, "source, here", "database, here"}
    assert all(one.low <= 0 <= one.high for one in measured.values()), "one machine has one clock"
    assert measured["database, here"].high - measured["database, here"].low < 1
    assert len(verdict.limits) == 3
