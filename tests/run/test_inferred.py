"""The runner infers what the file leaves out; the kernels judge with the same, and the report says so."""

from __future__ import annotations

from click.testing import CliRunner

from dsaudit.cli import main
from tests.run.conftest import Project

KEYLESS = ("    table: ledger.Member\n    key: code\n", "    table: ledger.Member\n")


def thin(project: Project) -> None:
    """Leave the key of the members out, where the table tells it: its one unique constraint is called like an id."""
    project.ledger.execute('alter table ledger."Member" rename code to member_id')
    project.ledger.edit("parameters/ledger.yml", *KEYLESS)
    project.notebook("05_whole", ["audit.check('source_missing_in_refined')", "audit.check('null_keys')"])


def test_runner_and_kernels_share_what_was_inferred(project: Project) -> None:
    thin(project)
    outcome = project.run()
    assert outcome.result["decision"] == "GO"
    [inferred] = outcome.result["parameters"]["inferred"]
    assert (inferred["resource"], inferred["key"], inferred["value"]) == ("member", "key", ["member_id"])
    page = (outcome.folder / "report.html").read_text(encoding="utf-8")
    assert "member.key = member_id" in page
    assert "1 key that the parameter file leaves out" in page


def test_an_inferred_key_judges(project: Project) -> None:
    thin(project)
    project.ledger.execute("""delete from ledger."Member" where org = 'N' and member_id = 'n-01'""")
    outcome = project.run()
    failed = [verdict["check"] for verdict in outcome.result["verdicts"] if verdict["status"] == "fail"]
    assert failed == ["source_missing_in_refined"]


def test_check_shows_it(project: Project) -> None:
    thin(project)
    shown = CliRunner().invoke(main, ["check", str(project.ledger.parameters)])
    assert "inferred: resources.member.key: member_id (the table's one unique constraint" in shown.output
    assert shown.exit_code == 0


def test_a_key_that_nothing_tells_is_asked_for(project: Project) -> None:
    project.ledger.edit("parameters/ledger.yml", *KEYLESS)
    shown = CliRunner().invoke(main, ["check", str(project.ledger.parameters)])
    assert shown.exit_code == 3
    assert "ledger.yml: resources.member.key: missing; no single unique constraint" in shown.output
