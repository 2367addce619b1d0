"""What a run does with phases that act on the system, and with what they leave there."""

from __future__ import annotations

from pathlib import Path

from dsaudit.checks import notebooks, plan
from dsaudit.parameters import load
from dsaudit.run.execute import turns
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
