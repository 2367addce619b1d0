"""On the sample every check passes; each fault of it is found by its root, and nothing else changes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from dsaudit.checks import all_checks
from dsaudit.verdict import Status
from examples import discovery
from examples.discovery.faults import FAULTS
from tests.checks.asked import called
from tests.checks.auditing import Verdicts, all_rows, decision, opened, told

# The file of the sample does not say what is slow on average.
CHECKS = [name for name in called("data_integrity") if name != "statements_within_budget"]
READING = [name for name in CHECKS if "acts" not in all_checks()[name].headers]
pytestmark = pytest.mark.xdist_group("discovery")


@pytest.fixture(scope="module")
def sample() -> Iterator[Any]:
    with discovery.running() as one:
        yield one


@pytest.fixture(scope="module")
def clean(sample: Any) -> Verdicts:
    with opened(sample.parameters, sample.environment, live=True) as audit:
        return {name: audit.check(name) for name in CHECKS}


@pytest.mark.parametrize("name", CHECKS)
def test_passes_on_the_sample(name: str, clean: Verdicts) -> None:
    assert clean[name].status is Status.PASS, told(clean[name])
    assert clean[name].examined > 0


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_a_fault_is_found_by_its_root_and_nothing_else_changes(fault: str, sample: Any, clean: Verdicts) -> None:
    try:
        planted = sample.plant(fault)
        with opened(sample.parameters, sample.environment) as audit:
            found = {name: audit.check(name) for name in READING}
            rows = {name: all_rows(audit, verdict) for name, verdict in found.items()}
            parameters = audit.parameters
    finally:
        sample.heal()
    for expected in planted.must:
        verdict = found[expected.check]
        assert verdict.status == expected.status, told(verdict)
        key = all_checks()[expected.check].listed("key")[0]
        inside = [
            row for row in rows[expected.check] if expected.scope.items() <= {k: str(v) for k, v in row.items()}.items()
        ]
        assert set(expected.keys) <= {str(row[key]) for row in inside}, told(verdict)
    allowed = {expected.check for expected in planted.must} | set(planted.may)
    changed = [told(one) for name, one in found.items() if one.status is not clean[name].status and name not in allowed]
    assert changed == []
    first = decision(parameters, found)["order"][0]
    assert first in {expected.check for expected in planted.must}, first
