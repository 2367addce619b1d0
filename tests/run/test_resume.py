"""A run that is stopped anywhere is taken up again where it lies: nothing complete is lost, and nothing is green early.

The project has one phase that passes and one that fails: whatever is lost of the second would turn NO-GO into GO.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dsaudit import source
from dsaudit.parameters import load
from dsaudit.run import Options, record, run
from tests.run.conftest import Project
from tests.run.test_run import DAMAGE, command, one_line

SIGNALS = [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP]
EVENTS = ["begun:1", "source read:1", "instant:1", "phase:1", "phase:2", "judged:1"]
ROOT = Path(__file__).parents[2]
PYTHON, MAIN = [sys.executable, "-c"], "from dsaudit.cli import main; "
HERE = {"PYTHONPATH": str(ROOT)}
Told = dict[str, Any]


@pytest.fixture
def stoppable(project: Project) -> Project:
    """A project of two phases, the second of which waits for whoever wants to stop the run in its middle."""
    project.ledger.execute(DAMAGE)
    waits = f"""import pathlib, time
(pathlib.Path({str(project.root)!r}) / 'in the middle').touch()
if (pathlib.Path({str(project.root)!r}) / 'is waited for').exists(): time.sleep(60)"""
    project.notebook("05_more", ["audit.check('parents_have_their_children')", waits, "audit.check('orphans')"])
    project.notebook("04_once", ["audit.check('one_refined_row_per_source_id')"])
    return project


def told(folder: Path) -> Told:
    """Return what a run concluded: the decision, and of each check its status, scopes, counts and findings."""
    result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    checks = {
        verdict["check"]: (
            verdict["status"],
            sorted((str(one["scope"]), one["status"], one["total"], one["examined"]) for one in verdict["results"]),
            sorted(verdict["findings"]),
        )
        for verdict in result["verdicts"]
    }
    return {"decision": result["decision"], "exit": result["exit"], "checks": checks, "problems": result["problems"]}


def names(folder: Path) -> set[str]:
    """Return the names of all files of a run that are shared."""
    files = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {path.as_posix() for path in files if path.parts[0] != "private"}


def ended(folder: Path) -> dict[str, bytes]:
    """Return the notebooks of the phases that had ended by themselves when a run was stopped."""
    path = folder / "private" / record.EVENTS
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    events = [json.loads(line) for line in lines]
    phases = [one["name"] for one in events if one["event"] == "phase" and one["ended_by"] == "its last cell"]
    return {name: (folder / "phases" / f"{name}.ipynb").read_bytes() for name in phases}


def taken_up(project: Project, reports: Path, status: int = 1) -> tuple[Path, list[str]]:
    """Go on with the run that is unfinished in a folder of reports; return where it ended, and which phases it kept."""
    (unfinished,) = (reports / "ledger" / "unfinished").iterdir()
    kept = ended(unfinished)
    done = command("run", str(project.ledger.parameters), "--resume", str(unfinished), "--jobs", "1")
    folder = reports / "ledger" / unfinished.name
    assert done.exit_code == status, done.output
    assert not (reports / "ledger" / "unfinished").exists()
    for name, content in kept.items():
        assert (folder / "phases" / f"{name}.ipynb").read_bytes() == content, f"{name} was executed twice"
    return folder, [*kept]


@pytest.mark.slow
def test_a_run_stopped_at_any_event_is_taken_up_and_ends_as_if_it_had_not_been(stoppable: Project) -> None:
    straight = stoppable.run(jobs=1).folder
    expected, whole = told(straight), names(straight)
    assert (expected["decision"], len(expected["checks"])) == ("NO-GO", 3)
    middle = f"file {stoppable.root / 'in the middle'}"
    points = [f">{event}" for event in EVENTS] + ["<phase:2", "<judged:1"]
    (stoppable.root / "is waited for").touch()
    ends = stop(stoppable, [(middle, number) for number in SIGNALS])
    (stoppable.root / "is waited for").unlink()
    ends += stop(stoppable, [(point, number) for number in SIGNALS for point in points])
    kept_phases = 0
    for end in ends:
        number, point, where = end["signal"], end["point"], str(end)
        assert end["status"] == (-number if number == signal.SIGKILL else 3), where
        if number != signal.SIGKILL and point == ">begun:1":  # there is nothing that could be gone on with
            assert end["said"].strip().splitlines() == ["stopped"] and not Path(end["out"]).exists(), where
            continue
        if number != signal.SIGKILL:
            assert end["said"].strip().splitlines()[-1].startswith("stopped; go on with: dsaudit run "), where
            assert "Traceback" not in end["said"], where
        folder, kept = taken_up(stoppable, Path(end["out"]))
        assert (told(folder), names(folder)) == (expected, whole), where
        assert len(kept) == KEPT.get(point, 1 if point == middle else 0), where
        kept_phases += len(kept)
    assert kept_phases == len(SIGNALS) * (1 + sum(KEPT.values()))


KEPT = {">phase:1": 1, "<phase:2": 1, ">phase:2": 2, "<judged:1": 2, ">judged:1": 2}


def stop(project: Project, points: list[tuple[str, int]]) -> list[Told]:
    """Start a run for each point, send it the signal when it gets there, and tell how it ended."""
    cases = []
    for point, number in points:
        out = project.root / "stopped" / f"{len(cases)} {signal.Signals(number).name} {point.replace('/', '_')}"
        cases.append((["run", str(project.ledger.parameters), "--jobs", "1", "--out", str(out)], point, int(number)))
    done = subprocess.run(
        [sys.executable, "-m", "tests.run.stopping"],
        input=json.dumps(cases),
        cwd=project.root,
        env={**os.environ, **HERE},
        capture_output=True,
        text=True,
        timeout=3600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    ends = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"status"')]
    return [
        {"point": point, "signal": number, "out": arguments[-1], **end}
        for (arguments, point, number), end in zip(cases, ends, strict=True)
    ]


# What is refused


@pytest.fixture
def stopped(project: Project) -> Path:
    """The folder of a run that was stopped after the first of two phases."""
    project.notebook("05_more", ["audit.check('orphans')"])
    project.notebook("04_once", ["audit.check('one_refined_row_per_source_id')"])
    (end,) = stop(project, [(">phase:1", signal.SIGKILL)])
    (folder,) = (Path(end["out"]) / "ledger" / "unfinished").iterdir()
    return folder


def refused(project: Project, folder: Path, *options: str) -> str:
    done = command("run", str(project.ledger.parameters), "--resume", str(folder), *options)
    assert done.exit_code == 3, done.output
    return one_line(done)


def test_a_run_is_gone_on_with_only_as_it_was_begun(project: Project, stopped: Path) -> None:
    with record.made(stopped):
        assert refused(project, stopped).endswith("this run is still going on")
    assert (
        "leave out --phase, --since"
        in command(
            "run", str(project.ledger.parameters), "--resume", str(stopped), "--phase", "5", "--since", "7d"
        ).output
    )
    for path, change, to, words in [
        (project.ledger.parameters, "integration: ledger", "integration:  ledger", "parameter file"),
        (project.root / "notebooks" / "datasource" / "05_more.ipynb", "orphans')", "orphans') ", "notebook"),
    ]:
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(change, to), encoding="utf-8")
        assert path.read_text(encoding="utf-8") != text
        assert f"was begun with another {words}; start a new run" in refused(project, stopped)
        path.write_text(text, encoding="utf-8")
    note = stopped / "private" / "left.json"
    note.write_text(json.dumps({"what": "customer 7 of acme", "given_up": True}), encoding="utf-8")
    assert "still at the source: customer 7 of acme; then remove" in refused(project, stopped)
    note.unlink()
    with (stopped / "private" / record.EVENTS).open("a", encoding="utf-8") as file:
        file.write('{"event": "acts", "name": "05_more"}\n{"event": "torn')
    assert "05_more was acting on the system when the run was stopped; give --live" in refused(project, stopped)
    events = stopped / "private" / record.EVENTS
    events.write_text("".join(events.read_text(encoding="utf-8").splitlines(keepends=True)[:-1]), encoding="utf-8")
    folder, kept = taken_up(project, stopped.parents[2], 0)
    assert kept == ["04_once"]
    assert refused(project, folder).endswith("is finished: there is nothing to go on with")
    assert refused(project, project.root).endswith("is no run")


def test_a_run_of_another_database_or_without_its_private_folder_is_refused(
    project: Project, stopped: Path, new_ledger: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as there:
        there.setenv("LEDGER_URL", new_ledger("other").environment["LEDGER_URL"])
        assert "was begun with another database; start a new run" in refused(project, stopped)
    (stopped / "private").rename(project.root / "elsewhere")
    assert "its private folder is not here" in refused(project, stopped)


def test_a_notebook_that_is_not_as_it_was_is_executed_anew_and_the_report_tells_the_instants(
    project: Project, stopped: Path
) -> None:
    path = stopped / "phases" / "04_once.ipynb"
    before = path.read_bytes()
    (stopped / "result.json").write_text("half a", encoding="utf-8")
    shutil.copytree(stopped, project.root / "again" / "ledger" / "unfinished" / stopped.name)
    folder, _ = taken_up(project, stopped.parents[2], 0)
    result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    first, second = result["instant"]["served"]
    assert (first["phases"], second["phases"]) == (["04_once"], ["05_more"])
    assert result["instant"]["renewed"] == 1 and first["time"] < second["time"] == result["instant"]["time"]
    (entry,) = folder.glob("*.html")
    page = entry.read_text(encoding="utf-8")
    assert "taken up again: phases 04_once at" in page and "; phases 05_more at" in page
    other = project.root / "again" / "ledger" / "unfinished" / stopped.name
    (other / "phases" / "04_once.ipynb").write_bytes(before.replace(b"pass", b"fail", 1))
    done = command("run", str(project.ledger.parameters), "--resume", str(other))
    assert done.exit_code == 0, done.output
    result = json.loads((other.parents[1] / other.name / "result.json").read_text(encoding="utf-8"))
    assert [one["phases"] for one in result["instant"]["served"]] == [["04_once", "05_more"]]


def test_two_runs_at_once_are_kept_apart_and_only_one_of_them_acts(project: Project) -> None:
    command_line = [*PYTHON, f"{MAIN}main()", "run", str(project.ledger.parameters)]
    runs = [subprocess.Popen(command_line, cwd=project.root, env={**os.environ, **HERE}) for _ in range(2)]
    assert [one.wait(timeout=300) for one in runs] == [0, 0]
    first, second = sorted((project.root / "reports" / "ledger").glob("*/result.json"))
    assert told(first.parent) == told(second.parent) and not (first.parents[1] / "unfinished").exists()
    place = json.loads(first.read_text(encoding="utf-8"))["instant"]
    pin = f"{place['system_identifier']}/{place['database']}"
    acts = (
        f"from dsaudit.run.record import acting_alone\nwith acting_alone('other', {pin!r}): print(flush=True), input()"
    )
    other = subprocess.Popen([*PYTHON, acts], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, **HERE})
    assert other.stdout and other.stdout.readline()
    parameters = load(project.ledger.parameters).allowed_to_act()
    with pytest.raises(record.RecordError, match="another run is acting on ledger"):
        run(parameters, Options(), source.record, lambda line: None)
    assert len([*(project.root / "reports" / "ledger").iterdir()]) == len([*first.parents[1].iterdir()])
    other.communicate(b"\n", timeout=60)
    assert run(parameters, Options(), source.record, lambda line: None).result["exit"] == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_a_disk_that_is_full_stops_a_run_in_words_and_costs_nothing_that_was_complete(stoppable: Project) -> None:
    straight = stoppable.run(jobs=1).folder
    size = sum(path.stat().st_blocks * 512 for path in straight.rglob("*") if path.is_file())
    disk = stoppable.root / "small disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size * 6 // 10}", "none", str(disk)], check=True)
    try:
        done = command("run", str(stoppable.ledger.parameters), "--jobs", "1", "--out", str(disk))
        assert done.exit_code == 3 and "No space left on device; go on with: dsaudit run " in one_line(done)
        assert [path.name for path in (disk / "ledger").iterdir()] == ["unfinished"]
        subprocess.run(["mount", "-o", f"remount,size={size * 4}", str(disk)], check=True)
        folder, kept = taken_up(stoppable, disk)
        assert kept and (told(folder), names(folder)) == (told(straight), names(straight))
    finally:
        subprocess.run(["umount", str(disk)], check=True)
