"""The app's own tests leave results that hold, and an audit finds in them what a fault has done to them."""

from __future__ import annotations

import pytest

from examples.listings.sample import Sample
from tests.checks.auditing import all_rows, opened

pytestmark = pytest.mark.xdist_group("listings_faults")

CHECKS = ("own_tests_pass", "own_tests_cover_enough", "own_tests_are_of_this_code")


def found(sample: Sample) -> dict[str, set[str]]:
    """The first key of the rows of each check that is not green."""
    with opened(sample.parameters, sample.environment) as audit:
        verdicts = {name: audit.check(name) for name in CHECKS}
        keys = {name: verdict.columns[0]["name"] for name, verdict in verdicts.items() if verdict.columns}
        return {name: {str(row[key]) for row in all_rows(audit, verdicts[name])} for name, key in keys.items()}


def test_the_sample_has_results_of_tests_that_ran(sample: Sample) -> None:
    assert found(sample) == {}
    with opened(sample.parameters, sample.environment) as audit:
        table = audit.frame("own_test_results").set_index("file")
    assert table.loc["junit.xml", "passed"] == 11 and table.loc["coverage.xml", "percent"] == 100.0


@pytest.mark.parametrize("fault", ["own_test_fails", "own_tests_left_out", "changed_after_the_tests", "two_heads"])
def test_a_fault_of_the_tests_is_found_with_its_rows_alone(fault: str, sample: Sample) -> None:
    try:
        (must,) = sample.plant(fault).must
        assert found(sample) == ({must.check: set(must.keys)} if must.check in CHECKS else {})
    finally:
        sample.heal()
    assert found(sample) == {}
