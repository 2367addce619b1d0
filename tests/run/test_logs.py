"""A run that reads the application's own logs: they are recorded, replayed, and told by `dsaudit check`."""

from __future__ import annotations

import json
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.run.conftest import Project
from tests.run.test_resume import stop
from tests.run.test_run import command

ERRORS = "errors_left_a_record"
SECTION = "logs: {files: app.log, columns: {delivery_id: hook}}\npolicy: {in"
SECRET = "Ada Lovelace has no address"


@pytest.fixture
def logging(project: Project) -> Project:
    """A project whose application logged an error about a delivery that no table knows of."""
    project.ledger.edit("parameters/ledger.yml", "policy: {in", SECTION)
    at = datetime.now(UTC) - timedelta(hours=1)
    line = {"timestamp": at.isoformat(), "level": "error", "message": SECRET, "hook": "never-seen"}
    (project.root / "app.log").write_text(json.dumps(line) + "\nplain text\n", encoding="utf-8")
    project.notebook("07_logs", [f"audit.check('{ERRORS}')", "audit.table('logged_errors')"])
    return project


def verdict(folder: Path) -> dict[str, Any]:
    result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    return next(one for one in result["verdicts"] if one["check"] == ERRORS)


def test_a_replay_tells_the_same_without_the_log(logging: Project) -> None:
    first = logging.run()
    found = verdict(first.folder)
    assert (found["status"], len(found["rows"])) == ("fail", 1)
    (logging.root / "app.log").unlink()
    done = command("run", str(logging.ledger.parameters), "--replay", str(first.folder))
    assert done.exit_code == 1, done.output
    (second,) = set((logging.root / "reports" / "ledger").glob("2*")) - {first.folder}
    again = verdict(second)
    assert (again["rows"], again["findings"]) == (found["rows"], found["findings"])
    pages = [path for path in second.rglob("*") if path.is_file() and "private" not in path.parts]
    assert pages and not [path for path in pages if b"Lovelace" in path.read_bytes()]


def test_a_log_is_read_where_there_is_no_source(logging: Project) -> None:
    text = logging.ledger.parameters.read_text(encoding="utf-8")
    begin = text.index("source: {")
    logging.ledger.parameters.write_text(text[:begin] + text[text.index("\n", begin) + 1 :], encoding="utf-8")
    assert verdict(logging.run().folder)["status"] == "fail"


def test_a_run_that_is_resumed_reads_the_log_anew(logging: Project) -> None:
    (end,) = stop(logging, [(">source read:1", signal.SIGKILL)])
    line = {"timestamp": datetime.now(UTC).isoformat(), "level": "info", "hook": "h1"}
    (logging.root / "app.log").write_text(json.dumps(line), encoding="utf-8")
    (stopped,) = (Path(end["out"]) / "ledger" / "unfinished").iterdir()
    done = command("run", str(logging.ledger.parameters), "--resume", str(stopped))
    assert verdict(stopped.parents[1] / stopped.name)["status"] == "pass", done.output


def test_check_tells_files_and_span_and_what_could_not_be_read(logging: Project) -> None:
    done = command("check", str(logging.ledger.parameters))
    assert "✓ logs: 1 file, lines from 20" in done.output
    assert "UTC; 1 of 1 name a delivery or a record" in done.output
    assert "– logs: 1 line of the log could not be read: 1 no JSON object" in done.output
    (logging.root / "app.log").write_text("plain text\n", encoding="utf-8")
    done = command("check", str(logging.ledger.parameters))
    assert done.exit_code == 3 and ": most of it could not be read; an object of JSON is expected" in done.output
    (logging.root / "app.log").unlink()
    done = command("check", str(logging.ledger.parameters))
    assert done.exit_code == 3 and "✗ logs: parameters/ledger.yml:" in done.output
    assert "logs: there is no file app.log" in done.output
