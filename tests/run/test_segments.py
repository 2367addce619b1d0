"""Which lists are compared before the phases: long ones that a check needs, put together until they are worth it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from dsaudit.checks import Planned, all_checks
from dsaudit.checks.planning import plan_check
from dsaudit.parameters import Parameters, load
from dsaudit.parameters.resource import LONG_LIST
from dsaudit.run.segments import ENOUGH, pieces
from tests import ledger

TENANTS = "abcdefg"


@pytest.fixture
def parameters(tmp_path: Path) -> Parameters:
    """The ledger's file with more tenants; of its resources only a member has an id in one place."""
    path = ledger.parameters_in(tmp_path)
    for name in ("export", "code", "docs"):
        (tmp_path / name).mkdir()
    text = path.read_text(encoding="utf-8")
    start, end = text.index("  - {name: north"), text.index("source:")
    tenants = "".join(f"  - {{name: {one}, id: {one.upper()}, account: {one}}}\n" for one in TENANTS)
    path.write_text(text[:start] + tenants + text[end:], encoding="utf-8")
    return load(path)


def cut(parameters: Parameters, lists: Mapping[str, Any], jobs: int = 0, check: str = "field_differences") -> Any:
    """Return the tenants whose members are compared, by piece."""
    folder = parameters.path.parent / "recording"
    folder.mkdir(exist_ok=True)
    of_tenants = {
        tenant: {"resources": {name: {"records": 10**9, "problem": None} for name in ("invoice", "line")}}
        for tenant in lists
    }
    for tenant, one in lists.items():
        entry = one if isinstance(one, dict) else {"records": one}
        of_tenants[tenant]["resources"]["member"] = {"problem": None, **entry}
    (folder / "index.json").write_text(json.dumps({"tenants": of_tenants}), encoding="utf-8")
    found = pieces([plan(parameters, check)], parameters, folder, jobs)
    assert all(name == "member" for piece in found for name, _ in piece)
    return ["".join(tenant for _, tenant in piece) for piece in found]


def plan(parameters: Parameters, check: str) -> Planned:
    return plan_check(all_checks()[check], parameters, "05_accuracy")


def test_long_lists_are_done_alone_and_others_together_the_longest_first(parameters: Parameters) -> None:
    some = ENOUGH // 2
    lists = {"a": LONG_LIST, "b": 3 * ENOUGH, "c": some, "d": LONG_LIST - 1, "e": some, "f": ENOUGH, "g": some}
    assert cut(parameters, lists) == ["b", "f", "ge", "ca"]


@pytest.mark.parametrize(
    ("jobs", "found"), [(1, []), (2, ["ba", "dc"]), (3, ["b", "ad", "c"]), (9, ["b", "a", "d", "c"])]
)
def test_there_are_no_more_pieces_than_jobs_and_of_one_none(
    parameters: Parameters, jobs: int, found: list[str]
) -> None:
    lists = {"a": 3 * ENOUGH, "b": 4 * ENOUGH, "c": 2 * ENOUGH, "d": 3 * ENOUGH - 1}
    assert cut(parameters, lists, jobs) == found


def test_what_is_not_whole_or_a_part_is_none_of_them(parameters: Parameters) -> None:
    lists = {"a": {"problem": "it broke off", "records": ENOUGH}, "b": {"part": True, "records": ENOUGH}, "c": ENOUGH}
    assert cut(parameters, lists) == ["c"]


def test_where_no_check_compares_there_is_none(parameters: Parameters) -> None:
    assert cut(parameters, {"a": ENOUGH}) == ["a"]
    assert cut(parameters, {"a": ENOUGH}, check="one_refined_row_per_source_id") == []
    skipped = plan(parameters, "source_missing_in_raw")
    assert skipped.skipped and pieces([skipped], parameters, parameters.path.parent / "recording", 0) == []


def test_without_a_reading_there_is_none(parameters: Parameters, tmp_path: Path) -> None:
    assert pieces([plan(parameters, "field_differences")], parameters, tmp_path / "nowhere", 0) == []
