"""What the accuracy checks make of input that the samples do not have: copies of a key, NULL keys, broken lists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dsaudit.parameters import ParameterError
from dsaudit.verdict import Status, Verdict
from tests import ledger
from tests.checks.auditing import Verdicts, told, verdicts

NewLedger = Callable[..., ledger.Ledger]
COPIED = """
alter table ledger.invoice drop constraint invoice_org_store_number_key;
insert into ledger.invoice (org, store, number, member, total, currency, issued, paid, changed)
select org, store, number, member, {total}, currency, issued, paid, changed
from ledger.invoice where org = 'N' and store = 'a'
"""


def audited(one: ledger.Ledger, *names: str) -> Verdicts:
    return verdicts(one.parameters, one.environment, names)


def scopes(verdict: Verdict, status: Status) -> set[tuple[str, ...]]:
    return {tuple(result.scope.values()) for result in verdict.results if result.status is status}


@pytest.mark.parametrize("wrong", ["the first", "the second"])
def test_of_several_rows_under_one_key_each_is_compared(new_ledger: NewLedger, wrong: str) -> None:
    one = new_ledger()
    one.execute(COPIED.format(total="total + 1" if wrong == "the second" else "total"))
    if wrong == "the first":
        one.execute("update ledger.invoice set total = 7 where id = 1")
    verdict = audited(one, "field_differences")["field_differences"]
    assert (verdict.status, verdict.total) == (Status.FAIL, 1), told(verdict)


def test_copies_that_agree_with_the_source_differ_in_no_field(new_ledger: NewLedger) -> None:
    one = new_ledger()
    one.execute(COPIED.format(total="total"))
    found = audited(one, "field_differences", "one_refined_row_per_source_id")
    assert found["field_differences"].status is Status.PASS
    assert found["one_refined_row_per_source_id"].total == 1


def test_a_row_whose_key_is_null_does_not_vanish(new_ledger: NewLedger) -> None:
    one = new_ledger()
    one.execute("alter table ledger.invoice alter number drop not null")
    one.execute("insert into ledger.invoice (org, store, number) values ('S', 'x', null)")
    found = audited(one, "refined_missing_at_source", "null_keys")
    assert scopes(found["refined_missing_at_source"], Status.FAIL) == {("south", "invoice")}
    assert [row[:2] for row in found["null_keys"].rows] == [["invoice", "number"]]


BY_SOURCE = ["source_missing_in_refined", "refined_missing_at_source", "field_differences", "duplicate_source_ids"]


def test_a_list_that_is_not_whole_judges_nothing_of_its_tenant(new_ledger: NewLedger) -> None:
    one = new_ledger()
    path = one.folder / "export" / "north" / "invoices.jsonl"
    path.write_text(path.read_text(encoding="utf-8")[:-9], encoding="utf-8")
    for verdict in audited(one, *BY_SOURCE).values():
        assert scopes(verdict, Status.INCONCLUSIVE) == {("north", "invoice"), ("north", "line")}, told(verdict)
        reasons = {result.reason for result in verdict.results if result.status is Status.INCONCLUSIVE}
        assert reasons == {"the source's list of invoice is not whole: invoices.jsonl: line 6 is no JSON"}
        assert scopes(verdict, Status.FAIL) == set()


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ("\"Full Name\" = 'trailing '", "blanks at an end"),
        ('"Full Name" = null', "null here"),
        ("changed = changed + interval '1 microsecond'", "below a second"),
        ("joined = joined - interval '5 hours'", "-5 h, like a time zone"),
    ],
)
def test_the_kind_of_a_difference_is_shown(new_ledger: NewLedger, change: str, kind: str) -> None:
    one = new_ledger()
    one.execute(f"update ledger.\"Member\" set {change} where org = 'N' and \"Full Name\" = ' trailing '")
    verdict = audited(one, "field_differences")["field_differences"]
    assert [_shown(verdict, "kind")] == [[kind]], told(verdict)


def test_half_a_surrogate_pair_at_the_source_is_a_difference_like_any_other(new_ledger: NewLedger) -> None:
    one = new_ledger()
    path = one.folder / "export" / "north" / "members.jsonl"
    path.write_text(path.read_text(encoding="utf-8").replace('" trailing "', '"\\ud800"'), encoding="utf-8")
    verdict = audited(one, "field_differences")["field_differences"]
    assert (verdict.status, verdict.total) == (Status.FAIL, 1), told(verdict)
    assert _shown(verdict, "kind") == ["another text"]


def _shown(verdict: Verdict, column: str) -> list[Any]:
    place = [one["name"] for one in verdict.columns].index(column)
    return [row[place] for row in verdict.rows]


def test_what_a_field_lets_pass_is_let_pass_and_shown(new_ledger: NewLedger) -> None:
    one = new_ledger()
    one.execute(
        "update ledger.invoice set total = total + 0.01, currency = 'XXX', changed = changed + interval '1 second'"
    )
    one.edit(
        "parameters/ledger.yml",
        "total: decimal, currency: text, issued: date, paid: boolean, changed: instant",
        "total: {from: total, as: decimal, within: 0.01}, currency: {from: currency, ignore: true}, issued: date,"
        " paid: boolean, changed: {from: changed, as: instant, within: 1}",
    )
    verdict = audited(one, "field_differences")["field_differences"]
    assert verdict.status is Status.PASS, told(verdict)
    assert verdict.limits == [
        "invoice.total: within 0.01", "invoice.currency: not compared", "invoice.changed: within 1 s",
    ]  # fmt: skip


def test_a_declaration_that_means_nothing_is_refused(new_ledger: NewLedger) -> None:
    one = new_ledger()
    one.edit("parameters/ledger.yml", "paid: boolean", "paid: {from: paid, as: boolean, within: 1}")
    with pytest.raises(ParameterError, match="within means nothing for a field that is read as boolean"):
        audited(one, "field_differences")
