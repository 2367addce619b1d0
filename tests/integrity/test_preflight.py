"""What `dsaudit check` says of invariants: one that is no condition on its table is told with its place."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dsaudit.parameters import load
from dsaudit.run.preflight.tables import database_ways
from tests.checks.auditing import variables
from tests.integrity.system import System

pytestmark = pytest.mark.xdist_group("integrity")


def told(system: System) -> list[str]:
    with variables(system.environment):
        return [line.words for line in database_ways(load(system.parameters)) if line.way == "invariants"]


def test_invariants_that_can_be_asked_are_not_mentioned(clean: System) -> None:
    assert told(clean) == []


@pytest.mark.parametrize(
    ("holds", "problem"),
    [
        ("cpu_coers > 0", 'column "cpu_coers" does not exist'),
        ("cpu_cores >", "syntax error at or near"),
        ("cpu_cores", "must be type boolean"),
        ("count(*) > 0", "aggregate functions are not allowed"),
    ],
)
def test_an_invariant_that_cannot_be_asked_is_told_with_its_place(
    holds: str, problem: str, new: Callable[..., System]
) -> None:
    system = new()
    system.edit("holds: cpu_cores > 0", f'holds: "{holds}"')
    lines = told(system)
    assert len(lines) == 1 and "small-discovery.yml:28:" in lines[0] and problem in lines[0]
