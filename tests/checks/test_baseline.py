"""A baseline of the sample: what is known is accepted, and the next fault is named."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from dsaudit import source
from dsaudit.cli import main
from dsaudit.parameters import load
from dsaudit.run import Options, Outcome, run
from tests.checks.auditing import variables
from tests.faults.systems import wait_for_nothing

CHECK = "field_differences"
TOMORROW = (datetime.now(UTC).date() + timedelta(days=1)).isoformat()
ACCEPT = ["--owner", "ada", "--expires", TOMORROW, "--partial"]


def audited(clone: Any, out: Path) -> tuple[Outcome, dict[str, Any]]:
    """Run one check on the clone as `dsaudit run` does."""
    outcome = run(load(clone.parameters), Options(checks=[CHECK], out=out), source.record, lambda line: None)
    (verdict,) = outcome.result["verdicts"]
    return outcome, verdict


def test_a_known_fault_is_accepted_and_the_next_one_fails(sample: Any, tmp_path: Path) -> None:
    with sample.clone() as clone, variables(clone.environment):
        known = clone.plant("refined_row_edited", seed=1)
        wait_for_nothing(clone)
        first, verdict = audited(clone, tmp_path)
        assert verdict["status"] == "fail" and first.result["decision"] == "NO-GO"
        given = ["baseline", str(first.folder), *ACCEPT, "--file", str(clone.parameters)]
        done = CliRunner().invoke(main, given)
        assert done.exit_code == 0, done.output
        second, verdict = audited(clone, tmp_path)
        rows = len(verdict["findings"])
        assert rows and second.result["accepted"]["rows"] == rows
        added = clone.plant("zero_decimals_divided", seed=1)
        clone.settle()
        third, verdict = audited(clone, tmp_path)
    assert (third.result["decision"], third.result["accepted"]) == ("NO-GO", None)
    names = [column["name"] for column in verdict["columns"]]
    told = [(row[names.index("source_id")], row[names.index("baseline")]) for row in verdict["rows"]]
    assert told[0] == (_key(added), "new") and (_key(known), "accepted") in told
    assert [baseline for _, baseline in told] == sorted((one for _, one in told), reverse=True)


def _key(planted: Any) -> str:
    return next(str(one.keys[0]) for one in planted.must if one.check == CHECK)
