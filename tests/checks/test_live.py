"""Audits a sample that is written to meanwhile, for a short time; `make bench BENCH=live` does it for a long one."""

from __future__ import annotations

from typing import Any

import pytest

from tests.benchmarks.live import lived


@pytest.mark.slow
def test_while_the_system_lives_every_fault_is_found_and_nothing_else(sample: Any) -> None:
    with sample.clone() as clone:
        outcome = lived(clone, seed=1, seconds=5, rate=25)
    assert outcome.writes and outcome.audits and outcome.wanted
    assert outcome.lost == set(), "the sample itself lost something"
    assert outcome.false == {}
    assert outcome.not_found == set()
