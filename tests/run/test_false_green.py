"""Never green without proof: each way in which a run could look green and not be. Each starts from a run that is GO."""

from __future__ import annotations

import json
import signal
from typing import Any

import psycopg
import pytest

from dsaudit import source
from dsaudit.parameters import Part, load, narrowed
from dsaudit.run import Options, RunError, execute, run
from tests.run.conftest import OPEN, Project

ONCE = "audit.check('one_refined_row_per_source_id')"
ORPHANS = "audit.check('orphans')"
PARAMETERS = 'system = "parameters/ledger.yml"'


def decision(project: Project, **options: Any) -> tuple[str, int, list[str]]:
    result = project.run(**options).result
    return result["decision"], result["exit"], result["problems"]


def statuses(project: Project) -> dict[str, str]:
    return {verdict["check"]: verdict["status"] for verdict in project.run().result["verdicts"]}


def test_the_untouched_project_is_go(project: Project) -> None:
    assert decision(project) == ("GO", 0, [])


@pytest.mark.parametrize(
    "stop",
    [
        "import sys; sys.exit(0)",
        "import os; os._exit(0)",
        f"import os; os.kill(os.getpid(), {int(signal.SIGKILL)})",
        "raise ValueError('a secret of the data')",
    ],
)
def test_a_notebook_that_stops_early_is_inconclusive(project: Project, stop: str) -> None:
    project.notebook("04_once", [ONCE, stop, ORPHANS])
    result = project.run().result
    assert (result["decision"], result["exit"]) == ("INCONCLUSIVE", 2)
    told = {verdict["check"]: verdict["status"] for verdict in result["verdicts"]}
    assert told["orphans"] == "inconclusive"
    assert any("04_once did not reach its end" in problem for problem in result["problems"])
    assert "a secret of the data" not in json.dumps(result)


def test_a_verdict_that_is_not_shown_does_not_count(project: Project) -> None:
    project.notebook("04_once", [f"kept = {ONCE}", ORPHANS])
    assert statuses(project) == {"one_refined_row_per_source_id": "inconclusive", "orphans": "pass"}


def test_a_check_behind_a_condition_is_missed(project: Project) -> None:
    project.notebook("04_once", [ONCE, f"if False:\n    {ORPHANS}"])
    assert statuses(project)["orphans"] == "inconclusive"


def forged() -> str:
    """Return the code of a cell that shows a verdict under a nonce that is not this run's."""
    return f"kept = {ONCE}\nkept.nonce = 'guessed'\nkept"


def test_a_forged_verdict_does_not_count(project: Project) -> None:
    project.notebook("04_once", [forged(), ORPHANS])
    result = project.run().result
    assert result["decision"] == "INCONCLUSIVE"
    assert any("not of this run" in problem for problem in result["problems"])


def test_a_verdict_of_an_unplanned_scope_replaces_no_planned_one(project: Project) -> None:
    narrowed = f"kept = {ONCE}\nkept.results = kept.results[:1]\nkept"
    project.notebook("04_once", [narrowed, ORPHANS])
    assert statuses(project)["one_refined_row_per_source_id"] == "inconclusive"


def test_an_old_output_is_not_taken_for_a_new_one(project: Project) -> None:
    first = project.run()
    executed = json.loads((first.folder / "phases" / "04_once.ipynb").read_text(encoding="utf-8"))
    for cell in executed["cells"]:
        if "orphans" in "".join(cell["source"]):
            cell["source"] = "# audit.check('orphans')\nif False: audit.check('orphans')"
            old = cell["outputs"]
    assert old
    path = project.root / "notebooks" / "datasource" / "04_once.ipynb"
    path.write_text(json.dumps(executed), encoding="utf-8")
    assert statuses(project)["orphans"] == "inconclusive"


def test_empty_tables_prove_nothing(project: Project) -> None:
    project.ledger.execute('truncate ledger."Member", ledger.invoice, ledger.invoice_line')
    assert decision(project)[:2] == ("INCONCLUSIVE", 2)


def test_empty_tables_are_green_where_the_source_is_empty_too(project: Project) -> None:
    project.ledger.execute('truncate ledger."Member", ledger.invoice, ledger.invoice_line')
    for path in (project.root / "export").glob("*/[im]*s.jsonl"):
        path.write_text("", encoding="utf-8")
    assert decision(project)[:2] == ("GO", 0)


def test_that_nothing_changed_since_proves_nothing(project: Project) -> None:
    project.ledger.execute('truncate ledger."Member"')  # of which one has no time of change
    (project.root / "export" / "north" / "members.jsonl").write_text("", encoding="utf-8")
    (project.root / "export" / "south" / "members.jsonl").write_text("", encoding="utf-8")
    parameters = narrowed(load(project.ledger.parameters), Part.given(since="1m"))
    result = run(parameters, Options(), source.record, lambda line: None).result
    assert "pass" in {verdict["status"] for verdict in result["verdicts"]}
    assert (result["decision"], result["exit"]) == ("INCONCLUSIVE", 2)
    assert [one["text"] for one in result["reasons"]] == [
        "nothing changed in the part that was audited, so nothing was examined"
    ]


def test_a_source_that_was_read_short_excuses_no_empty_table(project: Project) -> None:
    project.ledger.execute('truncate ledger."Member", ledger.invoice, ledger.invoice_line')
    for path in (project.root / "export").glob("*/[im]*s.jsonl"):
        path.unlink()
    assert decision(project)[:2] == ("INCONCLUSIVE", 2)


def test_a_tenant_that_the_tables_do_not_know_is_inconclusive(project: Project) -> None:
    path = project.ledger.parameters
    path.write_text(path.read_text(encoding="utf-8").replace("id: S,", "id: X,"), encoding="utf-8")
    assert decision(project)[:2] == ("INCONCLUSIVE", 2)


def test_a_table_that_is_not_there_is_inconclusive(project: Project) -> None:
    project.ledger.execute('alter table ledger."Member" rename to elsewhere')
    assert decision(project)[:2] == ("INCONCLUSIVE", 2)


def test_rows_hidden_by_a_policy_are_an_error_and_no_pass(project: Project) -> None:
    project.ledger.execute(
        "alter table ledger.invoice enable row level security;"
        "create policy nothing on ledger.invoice for select using (org = 'N')"
    )
    assert decision(project)[:2] == ("INCONCLUSIVE", 2)


def as_owner(statement: str) -> str:
    """Return the code of a cell that runs a statement as the database's owner."""
    return (
        "import os, psycopg\n"
        "with psycopg.connect(os.environ['LEDGER_OWNER']) as connection:\n"
        f"    connection.execute({statement!r})"
    )


def test_a_table_truncated_under_the_snapshot_is_inconclusive(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEDGER_OWNER", project.ledger.owner_url)
    project.notebook("04_once", [as_owner("truncate ledger.invoice_line"), ORPHANS, ONCE])
    told = {verdict["check"]: verdict for verdict in project.run().result["verdicts"]}
    assert told["orphans"]["status"] == "inconclusive"
    assert "truncated, rewritten or redefined" in told["orphans"]["results"][0]["reason"]


def test_a_lost_snapshot_is_inconclusive_and_never_a_new_one(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEDGER_OWNER", project.ledger.owner_url)
    end = "select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = 'dsaudit/runner'"
    project.notebook("04_once", [ONCE, as_owner(end), ORPHANS])
    assert statuses(project) == {"one_refined_row_per_source_id": "pass", "orphans": "inconclusive"}


def test_what_only_shows_does_not_keep_the_checks_after_it_from_being_asked(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEDGER_OWNER", project.ledger.owner_url)
    shows = [
        as_owner("truncate ledger.hook_log"),
        "audit.table('failed_deliveries')",
        "from dsaudit import plots; plots.deliveries(audit.frame('deliveries_over_time'));",
    ]
    project.notebook("04_once", [*shows, ONCE, ORPHANS])
    outcome = project.run()
    told = {verdict["check"]: verdict["status"] for verdict in outcome.result["verdicts"]}
    assert told == {"one_refined_row_per_source_id": "pass", "orphans": "pass"}
    page = (outcome.folder / "phases" / "04_once.html").read_text(encoding="utf-8")
    assert page.count("could not be shown: ledger.hook_log was truncated") >= 2  # the table, and beside the picture


def test_what_stops_a_notebook_is_told_where_its_words_hold_no_data(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEDGER_OWNER", project.ledger.owner_url)
    project.notebook(
        "04_once", [as_owner("truncate ledger.hook_log"), "audit.query('select 1 from ledger.hook_log')", ONCE]
    )
    project.notebook("05_other", ["class DatabaseError(Exception): pass", "raise DatabaseError('a value')", ORPHANS])
    result = project.run().result
    reasons = {verdict["check"]: verdict["results"][0]["reason"] for verdict in result["verdicts"]}
    lost = "planned, but not executed: SnapshotLost in a cell: ledger.hook_log was truncated, rewritten or redefined"
    assert reasons["one_refined_row_per_source_id"].startswith(lost)
    assert reasons["orphans"] == "planned, but not executed: DatabaseError in a cell"


def test_notebooks_without_checks_are_refused(project: Project) -> None:
    project.notebook("04_once", ["1 + 1"])
    with pytest.raises(RunError, match="no notebook of this blueprint calls a check"):
        project.run()


def test_nothing_but_skipped_checks_is_not_green(project: Project) -> None:
    project.notebook("04_once", ["audit.check('null_hashes')"])
    result = project.run().result
    assert result["decision"] == "INCONCLUSIVE"
    assert result["verdicts"][0]["status"] == "skipped"


def test_a_cell_that_never_ends_is_stopped(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execute, "CELL_SECONDS", 3)
    project.notebook("04_once", [ONCE, "while True: pass", ORPHANS])
    assert decision(project)[:2] == ("INCONCLUSIVE", 2)


def test_optimised_python_judges_the_same(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONOPTIMIZE", "1")
    project.ledger.execute("update ledger.invoice_line set void = true where org = 'N'")
    project.notebook("04_once", [ONCE, "audit.check('parents_have_their_children')"])
    assert decision(project)[:2] == ("NO-GO", 1)


def test_a_notebook_that_does_not_close_is_not_green(project: Project) -> None:
    project.raw_notebook("04_once", [PARAMETERS, OPEN.replace("NAME", "04_once"), ONCE, ORPHANS])
    assert decision(project)[:2] == ("INCONCLUSIVE", 2)


def test_the_ledger_owner_can_be_reached(project: Project) -> None:
    # The tests above break things as the owner; were that to fail silently they would prove nothing.
    with psycopg.connect(project.ledger.owner_url) as connection:
        assert connection.execute("select count(*) from ledger.invoice").fetchone() == (12,)
