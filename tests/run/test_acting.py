"""What a run does with phases that act on the system, and with what they leave there."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

from dsaudit.checks import notebooks, plan
from dsaudit.parameters import load
from dsaudit.run.execute import turns
from tests.command_lines import DSAUDIT
from tests.run.conftest import Project

BLUEPRINT = Path(__file__).parents[2] / "notebooks" / "datasource"


def test_phases_that_act_run_after_the_others_and_alone() -> None:
    parameters = load("parameters/sample.yml")
    phases = [path.stem for path in notebooks(BLUEPRINT)]
    acting = ["02_sync_coverage", "06_realtime"]
    assert turns(plan(BLUEPRINT, parameters)) == [phases]
    others = [name for name in phases if name not in acting]
    asked = plan(BLUEPRINT, parameters.allowed_to_act())
    assert turns(asked) == [others, *([name] for name in acting)]
    assert turns([one for one in asked if one.phase == "06_realtime"]) == [["06_realtime"]]


def test_what_a_check_left_at_the_source_is_told_though_its_kernel_was_ended(project: Project) -> None:
    note = 'audit.private.joinpath(\'left.json\').write_text(\'{"what": "customer 7 of acme", "given_up": false}\')'
    project.notebook("04_once", ["audit.check('one_refined_row_per_source_id')", note, "import os; os._exit(1)"])
    result = project.run().result
    assert "still at the source, to be deleted by hand: customer 7 of acme" in result["problems"]
    assert result["decision"] == "INCONCLUSIVE"


def test_of_two_runs_that_act_at_once_the_second_is_refused_and_does_nothing(project: Project) -> None:
    root, path = project.root, project.ledger.parameters
    start = f"  run: {{wait_seconds: 0.1, command: [touch, '{root}/acted']}}\n"
    project.ledger.edit("parameters/ledger.yml", "syncs:\n", f"syncs:\n{start}")
    waits = f"""import pathlib, time
(pathlib.Path({str(root)!r}) / 'in the middle').touch()
while not (pathlib.Path({str(root)!r}) / 'is over').exists(): time.sleep(0.05)"""
    project.notebook("02_starting", [waits, "audit.check('syncs_started_now_complete')"])
    command = [*DSAUDIT, "run", str(path), "--live"]
    environment = {**os.environ, "PYTHONPATH": str(BLUEPRINT.parents[1])}
    first = subprocess.Popen(command, cwd=root, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        until = time.monotonic() + 120
        while not (root / "in the middle").exists():
            assert first.poll() is None and time.monotonic() < until
            time.sleep(0.05)
        second = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
        assert second.returncode == 3, second.stdout
        line = "another run is acting on ledger; wait for its end, or run with neither --live nor allow_actions"
        assert second.stderr.strip().splitlines()[-1] == line
        assert not (root / "acted").exists()
        assert len([*(root / "reports" / "ledger" / "unfinished").iterdir()]) == 1
    finally:
        (root / "is over").touch()
        said, _ = first.communicate(timeout=300)
    assert first.returncode in (0, 1, 2) and (root / "acted").exists(), said
