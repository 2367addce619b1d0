"""The library holds a fault for every mode and every requirement, and every way to look green has its test."""

from __future__ import annotations

import ast
import csv
from collections import Counter
from pathlib import Path

import pytest

from dsaudit.parameters import project_root
from tests.faults.library import BLUEPRINTS, CORE, DEMANDS, KINDS, modes
from tests.test_requirements import PHASES

LEAST = 60  # kinds over the four blueprints
# Checks that no planter of a sample names as what has to find its fault, each with the test in which it fails.
FAIL_ELSEWHERE = {
    "run_counts_add_up": "tests/background/test_history.py::test_fails_on_what_is_wrong_and_names_the_run",
    "runs_do_not_overlap": "tests/background/test_history.py::test_fails_on_what_is_wrong_and_names_the_run",
    "runs_end": "tests/background/test_history.py::test_fails_on_what_is_wrong_and_names_the_run",
    "no_run_from_the_future": "tests/background/test_history.py::test_fails_on_what_is_wrong_and_names_the_run",
    "sync_fires_by_itself": "tests/background_sync/test_unproven.py::"
    "test_where_nobody_works_the_schedule_is_not_accused",
    "schedule_survives_clock_changes": "tests/background/test_firing.py::"
    "test_a_nightly_crontab_is_held_against_the_clocks",
    "every_run_is_logged": "tests/background/test_lines.py::"
    "test_a_run_that_the_log_does_not_tell_of_as_it_was_is_named",
    "queries_within_budget": "tests/integrity/test_performance.py::test_only_what_nothing_disturbed_is_slow",
    "concurrent_updates_do_not_deadlock": "tests/integrity/test_performance.py::"
    "test_updates_that_wait_for_each_other_are_named",
    "statements_within_budget": "tests/integrity/test_performance.py::"
    "test_statements_of_the_application_are_told_without_their_values",
    "pushed_rows_are_linked": "tests/integrity/test_pushing.py::test_a_link_that_is_forgotten_is_named",
    "pushed_import_brings_nothing_else": "tests/integrity/test_pushing.py::"
    "test_what_hangs_on_nothing_is_named_and_what_came_with_others_is_not",
}
FALSE_GREEN = Path(__file__).with_name("false_green.tsv")


def test_every_mode_has_a_fault_that_is_planted() -> None:
    assert len(modes()) == 40
    assert {KINDS[name].mode for name in CORE} - {0} == set(modes())


def test_no_fault_is_of_a_mode_that_is_not_listed() -> None:
    assert {kind.name for kind in KINDS.values() if kind.mode and kind.mode not in modes()} == set()


@pytest.mark.parametrize(("phase", "ids"), PHASES.items(), ids=PHASES)
def test_every_requirement_has_a_fault_that_is_planted(phase: str, ids: list[str]) -> None:
    having = {
        one.requirement for one in DEMANDS if one.phase == phase and {kind.name for kind in one.kinds} & set(CORE)
    }
    assert set(ids) <= having


def test_enough_kinds_are_planted_in_every_blueprint() -> None:
    planted = Counter(KINDS[name].blueprint for name in CORE)
    assert planted.keys() == set(BLUEPRINTS.values())
    assert planted.total() >= LEAST


def test_every_check_has_a_fault_that_it_is_to_find_or_a_test_in_which_it_fails() -> None:
    found = {check for kind in KINDS.values() for check in kind.finds}
    assert {one.check for one in DEMANDS} - found == FAIL_ELSEWHERE.keys()


@pytest.mark.parametrize(("check", "test"), FAIL_ELSEWHERE.items(), ids=FAIL_ELSEWHERE)
def test_a_check_without_a_planter_fails_in_a_test_that_is_there(check: str, test: str) -> None:
    assert _is_there(test), check


def _is_there(test: str) -> bool:
    path, _, name = test.partition("::")
    tree = ast.parse((project_root() / path).read_text(encoding="utf-8"))
    named = [one for one in tree.body if isinstance(one, ast.FunctionDef) and one.name == name]
    return len(named) == 1 and name.startswith("test_")


def _cases() -> list[tuple[str, str]]:
    with FALSE_GREEN.open(encoding="utf-8", newline="") as file:
        return [(line["case"], line["test"]) for line in csv.DictReader(file, delimiter="\t")]


@pytest.mark.parametrize(("case", "test"), _cases(), ids=[case for case, _ in _cases()])
def test_every_way_to_look_green_is_held_by_a_test_that_is_there(case: str, test: str) -> None:
    assert _is_there(test), case
