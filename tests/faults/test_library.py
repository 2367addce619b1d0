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


def _cases() -> list[tuple[str, str]]:
    with FALSE_GREEN.open(encoding="utf-8", newline="") as file:
        return [(line["case"], line["test"]) for line in csv.DictReader(file, delimiter="\t")]


@pytest.mark.parametrize(("case", "test"), _cases(), ids=[case for case, _ in _cases()])
def test_every_way_to_look_green_is_held_by_a_test_that_is_there(case: str, test: str) -> None:
    path, _, name = test.partition("::")
    tree = ast.parse((project_root() / path).read_text(encoding="utf-8"))
    named = [one for one in tree.body if isinstance(one, ast.FunctionDef) and one.name == name]
    assert len(named) == 1 and name.startswith("test_"), case
