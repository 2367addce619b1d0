"""On the sample every check passes; each fault of it is found by its root, and nothing else changes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from dsaudit.server import Server
from dsaudit.verdict import Status
from examples import discovery
from examples.discovery.faults import FAULTS
from tests.checks.asked import called
from tests.checks.auditing import Verdicts, opened, told
from tests.faults.judging import beside_the_key, in_full, judged
from tests.faults.systems import SYSTEMS, UNDECLARED

# The file of the sample does not say what is slow on average.
CHECKS = [name for name in called("data_integrity") if name != UNDECLARED]
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
def test_a_fault_is_found_by_its_root_and_nothing_else_changes(fault: str, sample: Any, postgres: Server) -> None:
    try:
        planted = sample.plant(fault)
        found = SYSTEMS["discovery"].audit(sample, postgres.url, False)
    finally:
        sample.heal()
    trial = judged(f"discovery/{fault}", "data_integrity", planted, found)
    assert beside_the_key(trial) == [], in_full(trial, found)
    assert found.decided["order"][0] in trial.must
