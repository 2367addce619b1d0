"""What the planted faults cannot show of phase 2: code that cannot be told, quiet syncs, and gaps with a reason."""

from __future__ import annotations

from collections.abc import Callable

import matplotlib

from dsaudit import plots
from dsaudit.verdict import Status, Verdict
from tests import ledger
from tests.checks.auditing import opened, told, verdicts

matplotlib.use("agg")
NewLedger = Callable[..., ledger.Ledger]
PRACTICES = [
    "sync_functions_paginate",
    "sync_functions_respect_rate_limits",
    "sync_functions_handle_errors",
    "sync_functions_log",
]


def judged(one: ledger.Ledger, check: str) -> Verdict:
    return verdicts(one.parameters, one.environment, [check])[check]


def states(verdict: Verdict) -> dict[str, str]:
    return {" ".join(result.scope.values()): str(result.status) for result in verdict.results}


def edited(one: ledger.Ledger, change: str, to: str) -> None:
    one.edit("parameters/ledger.yml", change, to)


def cells(one: ledger.Ledger) -> dict[tuple[str, str], str]:
    with opened(one.parameters, one.environment) as audit:
        frame = audit.frame("coverage")
    return {(row["resource"], row["way"]): row["state"] for row in frame.to_dict("records")}


# Sync functions


def test_what_unread_code_may_do_is_undecided_with_its_place(new_ledger: NewLedger) -> None:
    one = new_ledger()
    one.edit(
        "code/pull.py",
        'return _pull(session, "/members", keep)',
        'return somewhere.fetch_all(session, "/members", keep)',
    )
    one.edit("code/pull.py", "import requests\n", "import requests\nimport somewhere\n")
    for name, verdict in verdicts(one.parameters, one.environment, PRACTICES).items():
        assert states(verdict) == {"member": "inconclusive", "invoice": "pass"}, f"{name}: {told(verdict)}"
        assert "pull.py:" in (verdict.results[0].reason or "")


def test_a_function_in_a_file_that_does_not_parse_is_not_called_absent(new_ledger: NewLedger) -> None:
    one = new_ledger()
    one.edit("code/pull.py", "def pull_members(session, keep):", "def pull_members(session, keep:")
    verdict = judged(one, "every_resource_has_a_sync_function")
    assert set(states(verdict).values()) == {"inconclusive"}
    assert "pull.py" in (verdict.results[0].reason or "")
    assert judged(one, "integration_code_found").status is Status.FAIL


def test_a_resource_without_a_declared_function_is_named_with_what_is_nested_in_it(new_ledger: NewLedger) -> None:
    one = new_ledger()
    edited(one, "    sync: pull_invoices\n", "")
    verdict = judged(one, "every_resource_has_a_sync_function")
    assert states(verdict) == {"member": "pass", "invoice": "fail", "line": "fail"}
    assert "no sync function is declared" in str(verdict.rows)


def test_a_dotted_name_chooses_among_functions_of_one_name(new_ledger: NewLedger) -> None:
    one = new_ledger()
    (one.folder / "code" / "other.py").write_text(
        "class Other:\n    def pull_members(self):\n        return self.session.get('/members').json()\n"
    )
    assert states(judged(one, "sync_functions_log"))["member"] == "inconclusive"
    edited(one, "sync: pull_members", "sync: pull.pull_members")
    assert states(judged(one, "every_resource_has_a_sync_function"))["member"] == "pass"
    assert states(judged(one, "sync_functions_log"))["member"] == "pass"


def test_functions_that_no_resource_names_are_shown(new_ledger: NewLedger) -> None:
    one = new_ledger()
    (one.folder / "code" / "more.py").write_text("def pull_journals():\n    return None\n")
    with opened(one.parameters, one.environment) as audit:
        frame = audit.frame("sync_practices").set_index("function")
    assert frame.loc["pull_journals", "resources"] == "none"
    assert frame.loc["pull_members", "resources"] == "member"
    assert str(frame.loc["pull_members", "pages"]).startswith("pull.py:")


def test_a_naive_clock_is_found_under_another_name_and_a_foreign_one_is_not(new_ledger: NewLedger) -> None:
    one = new_ledger()
    (one.folder / "code" / "times.py").write_text(
        "import datetime\nfrom datetime import datetime as moment\nimport arrow\n\n"
        "A = moment.utcnow\nB = datetime.datetime.utcfromtimestamp(0)\nC = arrow.utcnow()\nD = moment.now()\n"
    )
    assert [row[0] for row in judged(one, "clock_is_read_with_its_zone").rows] == ["times.py:5", "times.py:6"]


def test_a_database_ahead_of_the_code_and_one_without_migrations_are_told(new_ledger: NewLedger) -> None:
    one = new_ledger()
    one.execute("update ledger.alembic_version set version_num = '0003'")
    found = {str(row[0]): str(row[2]) for row in judged(one, "migrations_at_head").rows}
    assert set(found) == {"0001", "0002", "0003"}
    assert "the code does not have it" in found["0003"]
    one.execute("drop table ledger.alembic_version")
    assert [row[0] for row in judged(one, "migrations_at_head").rows] == ["0001", "0002"]


def test_revisions_that_cannot_be_told_are_undecided(new_ledger: NewLedger) -> None:
    one = new_ledger()
    one.edit("code/versions/second.py", 'down_revision = "0001"', "down_revision = newest()")
    verdict = judged(one, "migrations_at_head")
    assert verdict.status is Status.INCONCLUSIVE
    assert "second.py:2" in (verdict.results[0].reason or "")


# Syncs that fetched nothing


def quiet(one: ledger.Ledger, started: str) -> None:
    """Let the last sync of north's members have fetched nothing."""
    one.execute(
        "insert into ledger.job_run values ('N', 'member', %s, %s::timestamptz + interval '1 s', 0, 1, null, null)",
        started,
        started,
    )


def test_a_quiet_sync_is_no_fault_while_nothing_changes(new_ledger: NewLedger) -> None:
    one = new_ledger()
    quiet(one, "2100-01-01T00:00:00Z")
    assert judged(one, "syncs_fetched_records").status is Status.PASS


def test_a_first_sync_that_fetched_nothing_is_one(new_ledger: NewLedger) -> None:
    one = new_ledger()
    one.execute("delete from ledger.job_run where org = 'N' and job = 'member'")
    quiet(one, "2026-11-01T00:00:00Z")
    verdict = judged(one, "syncs_fetched_records")
    assert states(verdict)["north member"] == "fail"
    assert verdict.rows[0][3:5] == [0, 10], told(verdict)


def test_a_sync_before_the_first_change_had_nothing_to_fetch(new_ledger: NewLedger) -> None:
    one = new_ledger()
    one.execute("delete from ledger.job_run where org = 'N' and job = 'member'")
    quiet(one, "2026-01-01T00:00:00Z")
    assert judged(one, "syncs_fetched_records").status is Status.PASS


def test_a_quiet_sync_of_records_without_times_is_undecided(new_ledger: NewLedger) -> None:
    one = new_ledger()
    edited(one, "updated: changed,", "updated: moment,")
    quiet(one, "2100-01-01T00:00:00Z")
    verdict = judged(one, "syncs_fetched_records")
    assert states(verdict)["north member"] == "inconclusive"
    assert states(verdict)["south member"] == "pass"


# Coverage


def test_each_way_of_being_covered_is_told_apart(new_ledger: NewLedger) -> None:
    found = cells(new_ledger())
    assert found["invoice", "source"] == "covered"
    assert found["line", "source"] == "parent"
    assert found["line", "sync"] == "parent"
    assert found["line", "webhook"] == "parent"
    assert found["invoice", "raw"] == "unasked"  # this system keeps none


def test_a_missing_reason_is_a_gap_and_a_given_one_is_not(new_ledger: NewLedger) -> None:
    one = new_ledger()
    topics = "    webhooks: [invoice.created, invoice.updated, invoice.removed]\n"
    edited(one, topics, "")
    assert cells(one)["invoice", "webhook"] == "gap"
    assert states(judged(one, "every_resource_is_covered")) == {"member": "pass", "invoice": "fail", "line": "fail"}
    edited(one, "    sync: pull_invoices\n", "    sync: pull_invoices\n    no_webhooks: read every hour\n")
    assert cells(one)["invoice", "webhook"] == "reason"
    assert judged(one, "every_resource_is_covered").status is Status.PASS


def test_empty_tables_are_a_gap_only_where_the_source_has_something(new_ledger: NewLedger) -> None:
    one = new_ledger("full")
    one.execute("delete from ledger.invoice_line")
    assert cells(one)["line", "refined"] == "gap"
    assert cells(new_ledger("nothing", empty=True))["line", "refined"] == "covered"


def test_what_cannot_be_read_is_not_known(new_ledger: NewLedger) -> None:
    one = new_ledger()
    (one.folder / "export" / "north" / "invoices.jsonl").unlink()
    one.execute('alter table ledger."Member" rename to people')
    found = cells(one)
    assert found["line", "source"] == "unknown"
    assert found["member", "refined"] == "unknown"
    verdict = judged(one, "every_resource_is_covered")
    assert states(verdict) == {"member": "inconclusive", "invoice": "inconclusive", "line": "inconclusive"}


def test_the_plot_shows_a_gap_in_words_and_one_line_a_resource(new_ledger: NewLedger) -> None:
    one = new_ledger()
    one.execute("delete from ledger.invoice_line")
    with opened(one.parameters, one.environment) as audit:
        axes = plots.coverage_matrix(audit.frame("coverage"))
    assert [label.get_text() for label in axes.get_yticklabels()] == ["member", "invoice", "line"]
    assert [text.get_text() for text in axes.texts].count("GAP") == 1
