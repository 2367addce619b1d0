"""What is new, known and fixed since the last run, check by check, from the folders of the runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dsaudit import history
from dsaudit.verdict import Status
from tests.history import made

CHECK, OTHER = "orphans", "failed_refinements"


def compared(out: Path, statuses: dict[str, Status] | None = None, **given: Any) -> dict[str, Any]:
    result = made.record(made.name(0), statuses, **given)
    history.compare(result, out / made.INTEGRATION)
    return result


def test_rows_are_told_by_check(tmp_path: Path) -> None:
    made.run(tmp_path, 2, {CHECK: Status.FAIL})
    result = made.record(made.name(0), {CHECK: Status.FAIL, OTHER: Status.FAIL})
    verdict = next(one for one in result["verdicts"] if one["check"] == CHECK)
    before = len(verdict["findings"])
    verdict["findings"] = [*verdict["findings"][1:], "k3f2a:new"]
    history.compare(result, tmp_path / made.INTEGRATION)
    changes = result["changes"]
    assert changes["checks"][CHECK] == {"new": 1, "known": before - 1, "fixed": 1}
    assert set(changes["checks"]) == {CHECK, OTHER} and changes["checks"][OTHER]["known"] == 0
    for kind in ("new", "known", "fixed"):
        assert changes[kind] == sum(one[kind] for one in changes["checks"].values())


@pytest.mark.parametrize("status", [Status.INCONCLUSIVE, Status.ERROR, Status.SKIPPED])
def test_what_could_not_be_decided_is_not_fixed(tmp_path: Path, status: Status) -> None:
    made.run(tmp_path, 1, {CHECK: Status.FAIL})
    assert compared(tmp_path, {CHECK: status})["changes"]["fixed"] == 0
    assert compared(tmp_path)["changes"]["fixed"] > 0


def test_the_first_run_is_compared_with_nothing(tmp_path: Path) -> None:
    result = compared(tmp_path, {CHECK: Status.FAIL})
    assert (result["history"], result["changes"]["against"]) == ([], None)
    assert result["changes"]["since"] == result["run"]["ended"]


def test_since_when_a_decision_stands_is_known_without_reading_every_run(tmp_path: Path) -> None:
    first = made.run(tmp_path, 400)
    for day in range(30, 16, -1):
        made.run(tmp_path, day)
    since = json.loads((first / "result.json").read_text())["run"]["ended"]
    result = compared(tmp_path)
    assert result["changes"]["since"] == since and len(result["history"]) == 10
    (first / "result.json").unlink()  # as prune does
    assert compared(tmp_path)["changes"]["since"] == since
    assert compared(tmp_path, {CHECK: Status.FAIL})["changes"]["since"] != since


def test_what_was_edited_is_of_another_system_or_blueprint_or_a_part_is_passed_over(tmp_path: Path) -> None:
    good = made.run(tmp_path, 9)
    edited = made.run(tmp_path, 8)
    text = (edited / "result.json").read_text()
    (edited / "result.json").write_text(text.replace("NO-GO", "GO") + " ")
    made.run(tmp_path, 7, limits=["narrowed"])
    for day, key in ((6, "integration"), (5, "blueprint")):
        other = made.record(made.name(day))
        other["run"][key] = "another"
        made.write(tmp_path, other)
    (tmp_path / made.INTEGRATION / made.name(4)).symlink_to(good)
    assert [one["id"] for one in compared(tmp_path)["history"]] == [good.name]


def test_rows_under_another_mask_key_are_compared_with_the_last_run_under_ours(tmp_path: Path) -> None:
    ours = made.run(tmp_path, 9, {CHECK: Status.FAIL})
    other = made.record(made.name(3), {CHECK: Status.FAIL})
    for verdict in other["verdicts"]:
        verdict["findings"] = [one.replace("k3f2a", "k0000") for one in verdict["findings"]]
    made.write(tmp_path, other)
    changes = compared(tmp_path, {CHECK: Status.FAIL})["changes"]
    assert (changes["against"], changes["new"]) == (ours.name, 0)
