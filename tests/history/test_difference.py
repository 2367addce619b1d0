"""`dsaudit diff`: what differs between two runs, and whether anything got worse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dsaudit.verdict import Status
from tests.history import made
from tests.report import runs

CHECK = "orphans"


def pair(tmp_path: Path, before: dict[str, Any], now: dict[str, Any]) -> tuple[int, str]:
    folders = [made.write(tmp_path / str(place), one) for place, one in enumerate((before, now))]
    done = made.command("diff", *folders)
    return done.exit_code, done.output


def run(day: int, statuses: dict[str, Status] | None = None, **given: Any) -> dict[str, Any]:
    return made.record(made.name(day), statuses, **given)


def test_two_like_runs_differ_in_nothing(tmp_path: Path) -> None:
    assert pair(tmp_path, run(2), run(1)) == (0, "nothing differs\n")


def test_what_got_worse_is_marked_and_is_the_exit_status(tmp_path: Path) -> None:
    status, output = pair(tmp_path, run(2), run(1, {CHECK: Status.FAIL}))
    lines = output.splitlines()
    assert status == 1 and lines[:2] == ["Decision", "  ✗ GO became NO-GO"]
    assert f"  ✗ {CHECK} became red: pass, now fail" in lines
    assert any(line.startswith(f"  ✗ {CHECK}: ") and line.endswith("new, 0 known, 0 fixed") for line in lines)
    named = [line for line in lines if line.startswith("      new: ")]
    assert named and all("tenant acme, resource order, source_id 5432" in line for line in named[:-1])


def test_what_was_mended_is_told_and_is_no_failure(tmp_path: Path) -> None:
    status, output = pair(tmp_path, run(2, {CHECK: Status.FAIL}), run(1))
    assert status == 0 and "    NO-GO became GO" in output and f"    {CHECK} became green: fail, now pass" in output
    assert "      fixed: tenant acme" in output and "✗" not in output


@pytest.mark.parametrize("status", [Status.INCONCLUSIVE, Status.ERROR, Status.SKIPPED])
def test_what_is_known_no_more_is_worse(tmp_path: Path, status: Status) -> None:
    code, output = pair(tmp_path, run(2), run(1, {CHECK: status}))
    assert code == 1 and f"✗ {CHECK} became " in output


def test_a_row_that_is_no_longer_looked_for_is_not_fixed(tmp_path: Path) -> None:
    _, output = pair(tmp_path, run(2, {CHECK: Status.FAIL}), run(1, {CHECK: Status.INCONCLUSIVE}))
    assert "fixed" not in output


def test_a_check_that_is_gone_is_worse_and_a_new_one_is_not(tmp_path: Path) -> None:
    before, now = run(2), run(1)
    now["verdicts"] = [one for one in now["verdicts"] if one["check"] != CHECK]
    status, output = pair(tmp_path / "gone", before, now)
    assert status == 1 and f"✗ {CHECK} is no longer audited" in output
    status, output = pair(tmp_path / "new", {**now, "run": before["run"]}, {**run(1), "run": now["run"]})
    assert status == 0 and f"    {CHECK} is new: pass" in output


def test_many_checks_that_changed_alike_are_one_line(tmp_path: Path) -> None:
    names = [check["check"] for check in runs.TERMS["checks"]]
    status, output = pair(tmp_path, run(2, dict.fromkeys(names[:20], Status.SKIPPED)), run(1))
    assert f"    20 checks ({', '.join(names[:5])} and 15 more) became green: skipped, now pass" in output
    assert status == 0 and output.count("became green") == 1
    assert f"    20 checks ({', '.join(names[:5])} and 15 more): the parameter file has no source" in output


def test_rows_under_different_keys_are_not_compared(tmp_path: Path) -> None:
    before, now = run(2, {CHECK: Status.FAIL}), run(1, {CHECK: Status.FAIL})
    for verdict in now["verdicts"]:
        verdict["findings"] = [one.replace("k3f2a", "k0000") for one in verdict["findings"]]
    status, output = pair(tmp_path, before, now)
    assert "not compared: they are named under different mask keys (k0000, k3f2a)" in output
    assert status == 0 and " new, " not in output


def test_what_else_differs_is_told(tmp_path: Path) -> None:
    before, now = run(2), run(1)
    now["parameters"]["values"]["policy"]["latency_seconds"] = 60
    now["parameters"] |= {"sha256": "11" * 32, "overrides": {"policy.x": "1\n2"}}
    now["plan"][0]["skipped"] = "the parameter file has no source"
    now["run"] |= {"commit": "f00", "versions": {**now["run"]["versions"], "pandas": "3.1.0"}}
    now["instant"]["system_identifier"] = "99"
    now["limits"] = ["narrowed to 1 check"]
    _, output = pair(tmp_path, before, now)
    for words in (
        "policy.latency_seconds: 5, now 60",
        "--set policy.x: nothing, now 1\\u000a2",
        f"{now['plan'][0]['check']}: planned, now the parameter file has no source",
        "commit: 4b1d0c7e5a9f, now f00",
        "pandas: 3.0.1, now 3.1.0",
        "system_identifier: 7436121840251117591, now 99",
        "looked at a part only: narrowed to 1 check",
    ):
        assert words in output, words


def test_runs_of_different_systems_are_refused(tmp_path: Path) -> None:
    other = run(1)
    other["run"]["integration"] = "other"
    status, output = pair(tmp_path, run(2), other)
    assert status == 3 and "one run is of the integration acme-shopify, the other of other" in output


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"verdicts": [1]}', '{"schema": 9}'])
def test_what_is_no_run_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    good = made.run(tmp_path, 3)
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "result.json").write_text(text)
    done = made.command("diff", good, tmp_path / "bad")
    assert done.exit_code == 3 and len(done.output.splitlines()) == 1 and "this is no folder of a run" in done.output


def test_an_edited_result_is_refused(tmp_path: Path) -> None:
    good, edited = made.run(tmp_path, 3), made.run(tmp_path, 2)
    path = edited / "result.json"
    path.write_text(path.read_text() + " ")
    done = made.command("diff", good, edited)
    assert done.exit_code == 3 and "was edited after the run" in done.output
