"""The disk fails at every call of a run, one after the other, or the run is killed there: never green, nothing lost.

A run of NO-GO follows an earlier one; whatever is lost of it, or of the earlier one, would be seen. Points are the
places in the code that open or change files, by default every fifth of them; FAULT_STEP=1 tries all.
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

from tests.run.conftest import Project
from tests.run.faulting import KILL, digest, notebooks
from tests.run.test_resume import HERE, names, stop, stoppable, told

__all__ = ["stoppable"]

STEP = int(os.environ.get("FAULT_STEP", "5"))
WORDS = {"ENOSPC": "No space left on device", "EIO": "Input/output error", "EMFILE": "Too many open files"}
Told = dict[str, Any]


def met(project: Project, out: Path, arguments: list[str], fault: str, step: int) -> list[Told]:
    """Meet the fault at points of a run, and tell how each ended."""
    command = ["run", str(project.ledger.parameters), "--jobs", "1"]
    given = {"arguments": [*command, *arguments], "resume": [*command, "--resume"], "root": str(project.root)}
    given |= {"out": str(out), "fault": fault, "first": len(fault) % step, "step": step}
    with (project.root / "ends.jsonl").open("w+", encoding="utf-8") as file:
        done = subprocess.run(
            [sys.executable, "-m", "tests.run.faulting"],
            input=json.dumps(given),
            cwd=project.root,
            env={**os.environ, **HERE},
            stdout=file,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        file.seek(0)
        straight, *ends = [json.loads(line) for line in file]
    assert straight["status"] == 1 and straight["calls"] >= straight["points"] > len(ends) - 1 > 0
    return ends


def is_right(end: Told, earlier: Path, expected: Any, kept: dict[str, str]) -> None:
    """See that a run that met a fault said so and left nothing wrong, and that it ended as if it had met none."""
    where = f"{end['fault']} at {end['number']}, {end['met']}: {end['status']} {end['said']} {end['left']}"
    last = end.get("again", end)
    where += f"; then {last['status']} {last['said']}"
    assert end["met"] and "Traceback" not in end["said"] + last["said"], where
    for one in (end["left"], last["left"]):
        assert not one["halves"] and not one["refused"] and not one["faults"], where
        assert one["digests"][earlier.name] == digest(earlier), where
        new = [*one["told"].keys() - {earlier.name}]
        assert one["chain"] == [earlier.name, *new], where
        assert all(one["told"][name] == expected and one["notebooks"][name] == kept for name in new), where
    is_there = len(end["left"]["told"]) == 2
    if end["fault"] == KILL:
        assert end["status"] == -signal.SIGKILL, where
    elif end["status"] == 3:  # in one line, the last, which says what it is, and where
        line = end["said"].strip().splitlines()[-1]
        assert WORDS[end["fault"]] in line and "/" in line.replace(WORDS["EIO"], ""), where
    else:  # what could not be done was not needed
        assert (end["status"], is_there) == (1, True), where
    if "again" in end:
        assert not is_there and (last["status"], len(last["left"]["told"])) == (1, 2), where
        assert not last["left"]["unfinished"], where


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["ENOSPC", "EIO", "EMFILE", KILL])
def test_a_fault_at_any_call_of_publishing_is_told_and_costs_nothing(stoppable: Project, fault: str) -> None:
    straight = stoppable.run(jobs=1).folder
    expected = json.loads(json.dumps([told(straight), sorted(names(straight))]))
    (stopped,) = stop(stoppable, [(">judged:1", signal.SIGKILL)])
    out = Path(stopped["out"])
    (folder,) = (out / "ledger" / "unfinished").iterdir()
    shutil.copytree(straight, out / "ledger" / straight.name)
    kept = notebooks(folder)
    assert len(kept) == 2
    for end in met(stoppable, out, ["--resume", str(folder)], fault, STEP):
        assert end["left"]["told"].keys() > {straight.name} or "again" in end  # it lies unfinished, or published
        is_right(end, straight, expected, kept)
