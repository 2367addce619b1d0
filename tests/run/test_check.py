"""`dsaudit check`: every way in is tried, and what is not there is named."""

from __future__ import annotations

import pytest

from tests.run.conftest import Project
from tests.run.test_run import command


def test_check_tries_every_way_in_and_writes_nothing(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    result = command("check", str(project.ledger.parameters))
    assert result.exit_code == 0, result.output
    assert "✓ database" in result.output and "✓ source of north: answers" in result.output
    assert "checks would run" in result.output
    project.ledger.execute("drop table ledger.invoice_line")
    result = command("check", str(project.ledger.parameters))
    lacking = "✗ tables: resources.line: the database has no table ledger.invoice_line"
    assert result.exit_code == 3 and lacking in result.output
    assert not (project.root / "reports").exists()


@pytest.mark.parametrize(
    ("given", "mistyped", "said"),
    [
        (
            "tenant: org, updated",
            "tenant: orgg, updated",
            "the table ledger.Member has no column orgg; did you mean org?",
        ),
        ("key: [store, number, line]", "key: [store, numbr, line]", "no column numbr; did you mean number?"),
        ("arrived, outcome", "arived, outcome", "deliveries: the table ledger.hook_log has no column arived"),
        ("child: line.invoice_id", "child: line.invoice_idd", "no column invoice_idd; did you mean invoice_id?"),
        ("ledger.job_run", "ledger.job_runs", "the database has no table ledger.job_runs; did you mean job_run?"),
    ],
)
def test_check_names_what_the_database_does_not_have(project: Project, given: str, mistyped: str, said: str) -> None:
    text = project.ledger.parameters.read_text(encoding="utf-8")
    assert given in text
    project.ledger.parameters.write_text(text.replace(given, mistyped), encoding="utf-8")
    result = command("check", str(project.ledger.parameters))
    assert result.exit_code == 3 and said in result.output, result.output
