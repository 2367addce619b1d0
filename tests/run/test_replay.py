"""A run on an earlier reading of the source, a run that goes on with one, and a notebook opened by hand on one."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import dsaudit
from dsaudit import source
from dsaudit.parameters import load
from dsaudit.run import Options, RunError, run
from tests.run.conftest import Project
from tests.run.test_run import command, one_line

QUIET: Any = lambda line: None  # noqa: E731
MISSING = "audit.check('source_missing_in_refined')"


def recording(folder: Path) -> dict[str, bytes]:
    inside = folder / "private" / "recording"
    return {path.relative_to(inside).as_posix(): path.read_bytes() for path in sorted(inside.rglob("*.gz"))}


def statuses(result: dict[str, Any]) -> dict[str, str]:
    return {verdict["check"]: verdict["status"] for verdict in result["verdicts"]}


def reported(project: Project) -> list[Path]:
    return sorted((project.root / "reports" / "ledger").glob("2*"))


def test_a_replayed_run_finds_the_same_without_the_source_and_says_so(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.notebook("05_more", [MISSING])
    first = project.run()
    assert statuses(first.result)["source_missing_in_refined"] == "pass" and first.result["limits"] == []
    for path in project.root.glob("export/*/*.jsonl"):
        path.write_text("", encoding="utf-8")
    done = command("run", str(project.ledger.parameters), "--replay", str(first.folder))
    assert done.exit_code == 0, done.output
    second = next(folder for folder in reported(project) if folder != first.folder)
    result = json.loads((second / "result.json").read_text(encoding="utf-8"))
    assert statuses(result) == statuses(first.result)
    assert recording(second) == recording(first.folder) != {}
    (limit,) = result["limits"]
    assert limit.startswith("the source was read at 20") and f"by the run {first.folder.name};" in limit
    page = (second / "report.html").read_text(encoding="utf-8")
    assert "GO for a part only" in page and limit[1:60] in page
    monkeypatch.setenv("JPY_SESSION_NAME", "a test")
    with closing(dsaudit.open(str(project.ledger.parameters), "datasource/by_hand", replay=str(first.folder))) as audit:
        assert f"source: not asked; as the run {first.folder.name} read it" in audit._repr_mimebundle_()["text/plain"]
        assert audit.source.index["replayed"] == first.folder.name
        assert (
            audit.source.count("north", "member")
            == json.loads((first.folder / "private" / "recording" / "index.json").read_text())["tenants"]["north"][
                "resources"
            ]["member"]["records"]
        )


def test_why_tells_a_record_as_an_earlier_run_read_it(project: Project) -> None:
    first = project.run().folder
    for path in project.root.glob("export/*/*.jsonl"):
        path.unlink()
    asked = ("why", str(project.ledger.parameters), "member", "n-01", "--replay", str(first))
    told = command(*asked)
    assert told.exit_code == 0 and "north" in told.output, told.output
    project.ledger.execute("update ledger.\"Member\" set joined = joined + interval '1 hour' where code = 'n-01'")
    told = command(*asked)
    assert told.exit_code == 1 and "joined" in told.output, told.output
    assert command(*asked[:-2]).exit_code == 2, "the source itself has nothing to say any more"


def test_a_recording_of_another_system_is_refused_in_one_line(project: Project) -> None:
    first = project.run().folder
    project.ledger.edit("parameters/ledger.yml", "integration: ledger", "integration: other")
    done = command("run", str(project.ledger.parameters), "--replay", str(first))
    assert done.exit_code == 3 and "was read for another integration" in one_line(done)
    assert not (project.root / "reports" / "other").exists()


def stopped(parameters: Any, folder: Path, progress: Any, meanwhile: Any) -> None:
    """Read some of the source, and be stopped by the user."""
    source.record(parameters, folder)
    (folder / "index.json").rename(folder / "index.json.draft")
    (folder / "south" / "invoice.journal").unlink()
    raise KeyboardInterrupt


def test_a_reading_that_was_stopped_is_kept_and_gone_on_with(project: Project) -> None:
    with pytest.raises(RunError, match=r"stopped; go on with: dsaudit run \S+ --resume \S+") as caught:
        run(load(project.ledger.parameters), Options(), stopped, QUIET)
    folder = Path(str(caught.value).rpartition(" ")[2])
    assert folder.parent.name == "unfinished"
    read = recording(folder)
    done = command("run", str(project.ledger.parameters), "--resume", str(folder))
    assert done.exit_code == 0, done.output
    (finished,) = reported(project)
    result = json.loads((finished / "result.json").read_text(encoding="utf-8"))
    assert result["decision"] == "GO" and result["limits"] == []
    assert finished.name == folder.name and not folder.exists()
    assert recording(finished) == read != {}


def test_a_reading_that_was_stopped_before_its_first_record_leaves_nothing(project: Project) -> None:
    def at_once(parameters: Any, folder: Path, progress: Any, meanwhile: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(load(project.ledger.parameters), Options(), at_once, QUIET)
    assert not (project.root / "reports").exists()
