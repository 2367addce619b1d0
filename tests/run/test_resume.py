"""A run that is stopped anywhere is taken up again where it lies: nothing complete is lost, and nothing is green early.

The project has one phase that passes and one that fails: whatever is lost of the second would turn NO-GO into GO.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dsaudit.run import record
from tests.run.conftest import Project
from tests.run.test_run import DAMAGE, command

SIGNALS = [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP]
EVENTS = ["begun:1", "source read:1", "instant:1", "phase:1", "phase:2", "judged:1"]
ROOT = Path(__file__).parents[2]
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


def taken_up(project: Project, reports: Path) -> tuple[Path, list[str]]:
    """Go on with the run that is unfinished in a folder of reports; return where it ended, and which phases it kept."""
    (unfinished,) = (reports / "ledger" / "unfinished").iterdir()
    kept = ended(unfinished)
    done = command("run", str(project.ledger.parameters), "--resume", str(unfinished), "--jobs", "1")
    folder = reports / "ledger" / unfinished.name
    assert done.exit_code == 1, done.output
    assert not (reports / "ledger" / "unfinished").exists()
    for name, content in kept.items():
        assert (folder / "phases" / f"{name}.ipynb").read_bytes() == content, f"{name} was executed twice"
    return folder, [*kept]


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
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    ends = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"status"')]
    return [
        {"point": point, "signal": number, "out": arguments[-1], **end}
        for (arguments, point, number), end in zip(cases, ends, strict=True)
    ]
