"""What the log tells of the runs: its fields, each run's line, and logs that a command writes."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dsaudit.logs import Log, Notes, read, record, since_of
from dsaudit.parameters import load
from dsaudit.verdict import Status
from tests.background.referrals import Referrals
from tests.checks.auditing import told
from tests.test_logs import a_line, declared

pytestmark = pytest.mark.xdist_group("referrals")
FIELDS, LOGGED = "log_lines_have_their_fields", "every_run_is_logged"


@pytest.mark.parametrize("name", [FIELDS, LOGGED])
def test_passes_on_an_odd_and_clean_log(name: str, clean: Referrals) -> None:
    verdict, _ = clean.check(name)
    assert verdict.status is Status.PASS, told(verdict)
    assert verdict.examined >= 30


@pytest.mark.parametrize("name", [FIELDS, LOGGED])
def test_proves_nothing_by_a_log_without_runs(name: str, new: Callable[..., Referrals]) -> None:
    system = new(empty=True)
    system.run(60, 1, logged=False)
    system.log("worker_ready", system.ago(50))
    verdict, _ = system.check(name)
    assert verdict.status is Status.INCONCLUSIVE, told(verdict)
    assert "the log has no line that ends a run" in told(verdict)


@pytest.mark.parametrize(
    ("event", "field", "value", "kind"),
    [
        ("sync_completed", "updated", ..., "missing"),
        ("sync_failed", "feature_flag_state", ..., "missing"),
        ("sync_skipped", "env", "", "missing"),
        ("sync_completed", "new", None, "missing"),
        ("sync_completed", "new", "0", "wrong type"),
        ("sync_completed", "new", True, "wrong type"),
        ("sync_completed", "new", 0.5, "wrong type"),
        ("sync_failed", "duration", "1 s", "wrong type"),
        ("sync_completed", "source", ["x"], "wrong type"),
    ],
)
def test_a_field_that_is_not_as_declared_is_named(
    event: str, field: str, value: Any, kind: str, new: Callable[..., Referrals]
) -> None:
    system = new(empty=True)
    system.log("sync_completed", system.ago(90), duration=2)
    system.log(event, system.ago(60), **{field: value})
    verdict, rows = system.check(FIELDS)
    assert verdict.status is Status.FAIL, told(verdict)
    assert [(row["line"], row["event"], row["field"], row["kind"]) for row in rows] == [(2, event, field, kind)]


def changed(task_id: str, **values: Any) -> Callable[[dict[str, Any]], dict[str, Any] | None]:
    def change(line: dict[str, Any]) -> dict[str, Any] | None:
        if line["task_id"] != task_id:
            return line
        return {**line, **values} if values else None

    return change


@pytest.mark.parametrize(
    ("task_id", "values", "kind"),
    [
        ("task-003", {}, "no line"),
        ("task-003", {"new": 7}, "added"),
        ("task-003", {"event": "sync_failed"}, "another end"),
        ("task-008", {}, "no line"),  # the one that failed
        ("task-008", {"level": "info"}, "no error"),
        ("task-008", {"event": "sync_completed"}, "another end"),
        ("task-006", {}, "no line"),  # the one that was skipped
    ],
)
def test_a_run_that_the_log_does_not_tell_of_as_it_was_is_named(
    task_id: str, values: dict[str, Any], kind: str, new: Callable[..., Referrals]
) -> None:
    system = new()
    system.relog(changed(task_id, **values))
    verdict, rows = system.check(LOGGED)
    assert verdict.status is Status.FAIL, told(verdict)
    assert [(row["task_id"], row["kind"]) for row in rows] == [(task_id, kind)]


def test_without_an_id_of_the_task_lines_are_told_by_the_time(new: Callable[..., Referrals]) -> None:
    system = new()
    system.edit("    task_id: task_id\n", "")
    verdict, _ = system.check(LOGGED)
    assert verdict.status is Status.PASS, told(verdict)
    system.relog(changed("task-003"))
    verdict, rows = system.check(LOGGED)
    assert [(row["task_id"], row["kind"]) for row in rows] == [("task-003", "no line")], told(verdict)


# A command whose output is the log

SAYS = "import sys, time; print('worker-1  | ' + {line!r}); print('worker-1  | Traceback'); sys.stdout.flush()"


def by_command(folder: Path, program: str, more: str = "") -> tuple[list[Any], Notes]:
    command = json.dumps([sys.executable, "-c", program])
    parameters, notes = declared(folder, f"{{command: {command}, {more} columns: {{message: event}}}}"), Notes()
    return list(read(parameters, since_of(parameters), notes)), notes


def test_a_command_may_be_the_log_and_its_lines_may_have_a_prefix(tmp_path: Path) -> None:
    lines, notes = by_command(tmp_path, SAYS.format(line=a_line()))
    assert [(one.message, one.number, one.file) for one in lines] == [("taken", 1, Path(sys.executable).name)]
    assert notes.odd == {"not_json": 1} and not notes.problems


@pytest.mark.parametrize(
    ("program", "more", "problem"),
    [
        ("; raise SystemExit(3)", "", "logs.command: it ended with 3"),
        ("; time.sleep(600)", "command_seconds: 1,", "logs.command: it was ended after 1 s"),
        ("\nwhile True: print('x' * 1000)", "megabytes: 1,", "logs.command: it says more than logs.megabytes"),
    ],
)
def test_a_command_that_goes_wrong_or_on_is_ended_and_told(
    program: str, more: str, problem: str, tmp_path: Path
) -> None:
    _, notes = by_command(tmp_path, SAYS.format(line=a_line()) + program, more)
    assert [one[: len(problem)] for one in notes.problems] == [problem]


def test_a_command_that_is_not_there_is_told(tmp_path: Path) -> None:
    parameters, notes = declared(tmp_path, "{command: [no-such-program]}"), Notes()
    assert not list(read(parameters, since_of(parameters), notes))
    assert notes.problems == ["logs.command: it was not started: No such file or directory"]


def test_a_recording_keeps_what_a_line_says_of_a_run(new: Callable[..., Referrals], tmp_path: Path) -> None:
    system = new(empty=True)
    system.log("sync_completed", system.ago(60), task_id="t", new=3, secret="not kept")
    system.log("page_read", system.ago(61), task_id="t")
    parameters = load(str(system.parameters))
    record(parameters, tmp_path / "recording")
    (line,) = Log(tmp_path / "recording", parameters).lines()
    assert line.ended == "completed" and line.task_id == "t" and line.values and line.values["new"] == 3
    assert "not kept" not in str(line.values)
