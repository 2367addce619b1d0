"""The sample's own queries are quick and go by indexes; each fault that costs time is found in it, naming the query."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from dsaudit.verdict import Status, Verdict
from examples import discovery
from examples.answer_key import Planted
from examples.discovery.sample import Sample
from tests.checks.auditing import all_rows, opened, told
from tests.integrity.performance import CHECKS

pytestmark = pytest.mark.xdist_group("discovery_performance")

JUDGED = [check for check in CHECKS if check != "queries_within_budget"]  # by no clock
OF_ASSETS = ["assets_of_a_flow", "flow_with_its_counts"]


@pytest.fixture(scope="module")
def sample() -> Iterator[Sample]:
    with discovery.running() as one:
        yield one


def judged(sample: Sample, checks: list[str] = JUDGED) -> tuple[dict[str, Verdict], dict[str, list[str]]]:
    """Return the verdicts, and the queries that each check's rows name."""
    with opened(sample.parameters, sample.environment) as audit:
        found = {name: audit.check(name) for name in checks}
        rows = {name: sorted(str(row.get("query")) for row in all_rows(audit, one)) for name, one in found.items()}
    return found, rows


def test_the_sample_is_quick(sample: Sample) -> None:
    found, _ = judged(sample)
    assert {one.status for one in found.values()} == {Status.PASS}, [told(one) for one in found.values()]


@pytest.fixture
def planted(sample: Sample) -> Iterator[Callable[[str, int], Planted]]:
    """Plant a fault; the sample is healed afterwards."""
    yield sample.plant
    sample.heal()


@pytest.mark.parametrize(("fault", "seed"), [("index_dropped", 2), ("query_scans", 1)])
def test_a_query_without_its_index_is_named(
    fault: str, seed: int, sample: Sample, planted: Callable[[str, int], Planted]
) -> None:
    key = planted(fault, seed)
    found, rows = judged(sample)
    assert rows == {name: OF_ASSETS if name in JUDGED[:2] else [] for name in JUDGED}
    failed = {name for name, one in found.items() if one.status is not Status.PASS}
    assert failed <= {*key.may, *(expected.check for expected in key.must)}


def test_imports_that_wait_for_each_other_are_counted(sample: Sample, planted: Callable[[str, int], Planted]) -> None:
    (expected,) = planted("update_deadlocks", 1).must
    found, _ = judged(sample, [expected.check])
    assert found["no_deadlock_was_counted"].status is Status.FAIL
