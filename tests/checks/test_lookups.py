"""Look-ups are told by their plan, and by their time only where that proves something."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dsaudit.database import QueryError
from dsaudit.functions.lookups import _timed
from dsaudit.verdict import Status
from tests import ledger
from tests.checks.auditing import opened, told, verdicts

NewLedger = Callable[..., ledger.Ledger]
WITHOUT_KEY = "alter table ledger.invoice drop constraint invoice_org_store_number_key;"


@pytest.mark.parametrize(
    ("index", "plan"),
    [
        ("", "reads the whole table"),
        ("create index on ledger.invoice (org)", "uses an index, but not on the source's id"),
        ("create index on ledger.invoice (lower(store))", "reads the whole table"),
        ("create index on ledger.invoice (org, store) where void", "reads the whole table"),
    ],
)
def test_the_plan_of_a_poor_look_up_is_told_with_what_would_mend_it(
    new_ledger: NewLedger, index: str, plan: str
) -> None:
    one = new_ledger()
    one.execute(WITHOUT_KEY + index)
    verdict = verdicts(one.parameters, one.environment, ["lookups_use_an_index"])["lookups_use_an_index"]
    statement = 'create index concurrently on "ledger"."invoice" ("org", "store", "number")'
    assert [row[1:] for row in verdict.rows] == [["invoice", plan, statement]], told(verdict)


@pytest.mark.parametrize("columns", ["store", "store, org", "number, store"])
def test_an_index_that_finds_the_object_is_enough(new_ledger: NewLedger, columns: str) -> None:
    one = new_ledger()
    one.execute(f"{WITHOUT_KEY} create index on ledger.invoice ({columns})")
    verdict = verdicts(one.parameters, one.environment, ["lookups_use_an_index"])["lookups_use_an_index"]
    assert verdict.status is Status.PASS, told(verdict)


def test_explaining_changes_no_setting_and_reports_a_refusal(new_ledger: NewLedger) -> None:
    one = new_ledger()
    with opened(one.parameters, one.environment) as audit:
        (plan,) = audit.database.explain("select * from ledger.invoice where id = %(id)s", [{"id": 1}], run=True)
        assert plan["Execution Time"] >= 0
        audit.database.explain("select 1", [{}], scans=False)
        shown = audit.database.query("select current_setting('enable_seqscan') as scans").frame
        assert shown["scans"].to_list() == ["on"]
        with pytest.raises(QueryError, match="no_such_table"):
            audit.database.explain("select * from ledger.no_such_table", [{}])


@pytest.mark.parametrize(
    ("times", "slow", "doubtful"),
    [
        ([1, 2, 3], False, False),
        ([1, 2, 900], False, False),
        ([1, 600, 900], False, True),
        ([501, 502, 503], True, False),
    ],
)
def test_a_busy_server_decides_nothing(times: list[float], slow: bool, doubtful: bool) -> None:
    line, is_slow = _timed(times, 500)
    assert (is_slow, line["reason"] is not None) == (slow, doubtful)


def test_times_and_their_limits_are_told_in_their_own_units(new_ledger: NewLedger) -> None:
    one = new_ledger()
    one.edit("parameters/ledger.yml", "policy: {", "policy: {query_milliseconds: 78390000, ")
    verdict = verdicts(one.parameters, one.environment, ["lookups_within_budget"])["lookups_within_budget"]
    assert {result.expected for result in verdict.results} == {"at most 21 h 46 min (median)"}, told(verdict)
    assert all(result.observed.endswith(" ms (median)") for result in verdict.results)
    assert {(result.unit, result.threshold) for result in verdict.results} == {("ms (median)", 78_390_000)}
