"""What `dsaudit check` says of the sections of integrity: what is not there is told with its place."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dsaudit.parameters import load
from dsaudit.run.preflight.tables import database_ways
from examples import discovery
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


MISTAKES = {
    "apis": (
        "fields: [id, row_number,",
        "fields: [id, row_nmber,",
        "raw_import_records has no column row_nmber",
    ),
    "conserved": ("where: is_processed,", "where: is_procesed,", 'column "is_procesed" does not exist'),
    "durations": ("to: completed_at", "to: completd_at", "has no column completd_at; did you mean completed_at?"),
    "tenancy": ("role: discovery_app", "role: discovery_apq", "no role that discovery_apq matches; did you"),
}


@pytest.mark.xdist_group("discovery")
def test_what_the_sections_of_the_sample_misspell_is_told_with_its_place() -> None:
    with discovery.running() as sample, variables(sample.environment):
        text = sample.parameters.read_text(encoding="utf-8")
        file = sample.parameters.with_name("misspelt.yml")
        file.write_text(text, encoding="utf-8")
        sections = lambda: [line for line in database_ways(load(file)) if line.way in MISTAKES]  # noqa: E731
        assert sections() == []
        for right, wrong, _ in MISTAKES.values():
            assert right in text, right
            text = text.replace(right, wrong, 1)
        file.write_text(text, encoding="utf-8")
        told = sections()
    assert sorted(line.way for line in told) == sorted(MISTAKES)
    for line in told:
        assert line.ok is False and "misspelt.yml:" in line.words and MISTAKES[line.way][2] in line.words
