"""`dsaudit prune`: personal data go first, reports later, what the chain needs never."""

from __future__ import annotations

import fcntl
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import Result

from dsaudit.evidence import chain
from dsaudit.history import pruning
from dsaudit.parameters.evidence import Evidence
from tests.history import made

LIMITS = "evidence: {keep_private_days: 30, keep_days: 400}\n"


def prune(tmp_path: Path, *more: str) -> Result:
    return made.command("prune", made.parameters(tmp_path, LIMITS), "--out", tmp_path, *more)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_private_folders_go_after_days_and_reports_after_many(tmp_path: Path) -> None:
    oldest, older, young = (made.run(tmp_path, day) for day in (401, 31, 29))
    (oldest / "signoff").mkdir()
    (oldest / "statement.dsse.json").write_text("{}")
    made.run(tmp_path, 1)
    done = prune(tmp_path, "--yes")
    assert done.exit_code == 0, done.output
    assert names(oldest) == {"manifest.json", "statement.dsse.json", "signoff", "pruned.json"}
    assert names(older) == {"manifest.json", "result.json", "summary.md", "pruned.json"}
    assert names(young) == {"manifest.json", "result.json", "summary.md", "private"}
    assert f"removed: {older.name}: its private folder, 0.0 MB" in done.output
    assert done.output.splitlines()[-1].endswith("MB of 2 runs removed")
    told = json.loads((older / "pruned.json").read_text())
    assert told["run"] == older.name
    assert [(one["what"], one["kept_days"], one["bytes"]) for one in told["removed"]] == [("private", 30, 1000)]
    assert prune(tmp_path).output == "nothing is kept longer than it should be\n"
    assert not chain.faults(tmp_path / made.INTEGRATION)


def test_what_was_removed_when_stays_known(tmp_path: Path) -> None:
    run = made.run(tmp_path, 401)
    made.run(tmp_path, 1)
    reports, now = tmp_path / made.INTEGRATION, datetime.now(UTC)
    for days, at in ((500, now), (400, now + timedelta(days=1))):
        keep = Evidence(keep_private_days=30, keep_days=days)
        pruning.prune(reports, keep, at, pruning.due(reports, keep, at))
    told = json.loads((run / "pruned.json").read_text())["removed"]
    assert [one["what"] for one in told] == ["private", "report"]


def test_the_newest_run_stays_however_old_it_is(tmp_path: Path) -> None:
    run = made.run(tmp_path, 900)
    assert prune(tmp_path, "--yes").output == "nothing is kept longer than it should be\n"
    assert "private" in names(run)


def test_the_end_of_the_chain_stays_too(tmp_path: Path) -> None:
    end = made.run(tmp_path, 900)
    made.write(tmp_path, made.record(made.name(800)), seal=False)
    prune(tmp_path, "--yes")
    assert "private" in names(end)


def test_a_dry_run_says_it_and_removes_nothing(tmp_path: Path) -> None:
    run = made.run(tmp_path, 31)
    made.run(tmp_path, 1)
    done = prune(tmp_path, "--dry-run")
    assert (done.exit_code, done.output) == (0, f"would be removed: {run.name}: its private folder, 0.0 MB\n")
    assert "private" in names(run) and "pruned.json" not in names(run)


def test_where_nobody_can_be_asked_it_wants_a_yes(tmp_path: Path) -> None:
    run = made.run(tmp_path, 31)
    made.run(tmp_path, 1)
    done = prune(tmp_path)
    assert done.exit_code == 3 and "say --yes" in done.output and "private" in names(run)


@pytest.mark.parametrize("answer", ["y", "n"])
def test_on_a_terminal_it_asks(tmp_path: Path, answer: str) -> None:
    run = made.run(tmp_path, 31)
    made.run(tmp_path, 1)
    path = made.parameters(tmp_path, LIMITS)
    code = f"from dsaudit.cli import main; main(['prune', {str(path)!r}, '--out', {str(tmp_path)!r}])"
    process, terminal = os.forkpty()
    if process == 0:
        import sys

        os.execv(sys.executable, [sys.executable, "-c", code])
    os.write(terminal, f"{answer}\n".encode())
    shown = b""
    try:
        while chunk := os.read(terminal, 4096):
            shown += chunk
    except OSError:  # what a terminal says when the other end is closed
        pass
    os.close(terminal)
    _, status = os.waitpid(process, 0)
    assert b"Remove this of 1 run?" in shown, shown
    assert ("private" in names(run)) == (answer == "n")
    assert os.waitstatus_to_exitcode(status) == (0 if answer == "y" else 3)


def test_no_link_is_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "private").mkdir(parents=True)
    (elsewhere / "private" / "precious").write_text("x")
    (elsewhere / "result.json").write_text("{}")
    old, older = made.run(tmp_path, 40), made.run(tmp_path, 500)
    made.run(tmp_path, 1)
    for run in (old, older):
        (run / "private" / "recording" / "order.gz").unlink()
        (run / "private" / "recording").rmdir()
        (run / "private").rmdir()
    (old / "private").symlink_to(elsewhere / "private")
    (older / "phases").symlink_to(elsewhere)
    (tmp_path / made.INTEGRATION / made.name(600)).symlink_to(elsewhere)
    assert prune(tmp_path, "--yes").exit_code == 0
    assert not os.path.lexists(old / "private") and not os.path.lexists(older / "phases")
    assert names(elsewhere) == {"private", "result.json"} and (elsewhere / "private" / "precious").exists()


def unfinished(tmp_path: Path, began: int, wrote: int) -> Path:
    folder = tmp_path / made.INTEGRATION / "unfinished" / made.name(began)
    (folder / "private").mkdir(parents=True)
    (folder / "private" / "events.jsonl").touch()
    at = (datetime.now(UTC) - timedelta(days=wrote)).timestamp()
    for path in (folder / "private" / "events.jsonl", folder / "private", folder):
        os.utime(path, (at, at))
    return folder


def test_of_an_unfinished_run_the_recordings_go_unless_it_is_somebodys(tmp_path: Path) -> None:
    left, busy, held = unfinished(tmp_path, 40, 40), unfinished(tmp_path, 41, 2), unfinished(tmp_path, 42, 42)
    made.run(tmp_path, 1)
    with (held / "private" / "events.jsonl").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = prune(tmp_path, "--yes")
    assert done.exit_code == 0, done.output
    assert names(left) == {"pruned.json"}
    assert "private" in names(busy) and "private" in names(held)


def test_even_where_nothing_private_is_kept_a_run_under_way_keeps_it(tmp_path: Path) -> None:
    run = unfinished(tmp_path, 0, 0)
    keep = Evidence(keep_private_days=0, keep_days=1)
    assert pruning.due(tmp_path / made.INTEGRATION, keep, datetime.now(UTC) + timedelta(hours=1)) == []
    assert "private" in names(run)


def test_a_removal_that_was_stopped_is_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = made.run(tmp_path, 401)
    made.run(tmp_path, 1)
    calls: list[Path] = []
    remove = pruning._remove

    def stopped(path: Path) -> None:
        if calls:
            raise KeyboardInterrupt
        calls.append(path)
        remove(path)

    monkeypatch.setattr(pruning, "_remove", stopped)
    prune(tmp_path, "--yes")
    assert calls == [run / "result.json"]  # first, so that the half of a run is never taken for a whole one
    monkeypatch.setattr(pruning, "_remove", remove)
    assert prune(tmp_path, "--yes").exit_code == 0
    assert names(run) == {"manifest.json", "pruned.json"}
