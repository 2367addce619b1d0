"""`dsaudit history`: the runs, and what is wrong with their chain."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from dsaudit.verdict import Status
from tests.history import made


def told(tmp_path: Path) -> tuple[int, str]:
    done = made.command("history", made.parameters(tmp_path), "--out", tmp_path)
    return done.exit_code, done.output


def test_runs_are_listed_the_newest_first(tmp_path: Path) -> None:
    first = made.run(tmp_path, 9)
    second = made.run(tmp_path, 8, {"orphans": Status.FAIL})
    part = made.run(tmp_path, 7, limits=["narrowed"])
    status, output = told(tmp_path)
    head, *lines = output.splitlines()
    assert status == 0 and head.split()[:4] == ["no.", "run", "ended", "decision"]
    assert [line.split()[1] for line in lines] == [part.name, second.name, first.name]
    assert [line.split()[0] for line in lines] == ["3", "2", "1"]
    assert "GO (part)" in lines[0] and "1 fail, 25 pass" in lines[1] and lines[1].endswith("sealed")
    fixed = json.loads((second / "result.json").read_text())["changes"]
    assert f"  {fixed['new']}    0      0" in lines[1]


def test_a_lost_run_breaks_the_chain(tmp_path: Path) -> None:
    made.run(tmp_path, 9)
    lost = made.run(tmp_path, 8)
    made.run(tmp_path, 7)
    shutil.rmtree(lost)
    status, output = told(tmp_path)
    assert status == 1 and f"✗ {lost.name} is gone" in output


def test_an_edited_run_is_named_with_its_file(tmp_path: Path) -> None:
    run = made.run(tmp_path, 9)
    made.run(tmp_path, 8)
    (run / "summary.md").write_text("## GO")
    status, output = told(tmp_path)
    assert status == 1 and f"✗ {run.name} was edited: not as its manifest lists them are summary.md" in output
    assert "EDITED" in output


def test_an_edited_manifest_breaks_the_chain(tmp_path: Path) -> None:
    run = made.run(tmp_path, 9)
    made.run(tmp_path, 8)
    path = run / "manifest.json"
    path.write_text(path.read_text().replace('"decision": "GO"', '"decision": "NO-GO"'))
    status, output = told(tmp_path)
    assert status == 1 and f"✗ {run.name} was edited after" in output


def test_what_is_not_sealed_pruned_or_unfinished_is_told(tmp_path: Path) -> None:
    old = made.write(tmp_path, made.record(made.name(9)), seal=False)
    pruned = made.run(tmp_path, 8)
    for name in pruned.iterdir():
        if name.name != "manifest.json":
            shutil.rmtree(name) if name.is_dir() else name.unlink()
    (pruned / "pruned.json").write_text("{}")
    (tmp_path / made.INTEGRATION / "unfinished" / made.name(7)).mkdir(parents=True)
    status, output = told(tmp_path)
    (first,) = [line for line in output.splitlines() if old.name in line]
    (second,) = [line for line in output.splitlines() if pruned.name in line]
    assert status == 0 and first.endswith("not sealed")
    assert "GO" in second and second.endswith("  sealed, pruned")
    assert f"under way or broken off: {made.name(7)}; go on with: dsaudit run " in output


def test_without_a_run_it_says_so(tmp_path: Path) -> None:
    status, output = told(tmp_path)
    assert status == 3 and output.strip().endswith("there is no run") and len(output.splitlines()) == 1


def test_a_hostile_result_is_no_line_of_its_own(tmp_path: Path) -> None:
    result = made.record(made.name(3))
    result["decision"] = "GO\n::error::x\x1b[2J"
    made.write(tmp_path, result, seal=False)
    _, output = told(tmp_path)
    assert "\x1b" not in output and len(output.splitlines()) == 2
