"""What the data cannot prove does not pass: values and columns that are not there, ids of several tenants, no end."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dsaudit import checks
from dsaudit.checks import CheckError
from dsaudit.parameters import load, project_root
from dsaudit.verdict import Status, Verdict
from tests import ledger
from tests.checks.auditing import told, verdicts

NewLedger = Callable[..., ledger.Ledger]
OWN_IDS = """
alter table ledger.invoice_line drop constraint invoice_line_invoice_id_fkey;
alter table ledger.invoice add column own_id bigint;
update ledger.invoice as i set own_id = n.place
from (select id, row_number() over (partition by org order by id) as place from ledger.invoice) as n where n.id = i.id;
update ledger.invoice_line as l set invoice_id = i.own_id from ledger.invoice as i where i.id = l.invoice_id
"""
RELATIONS = ["orphans", "references_stay_within_the_tenant", "children_of_deleted_parents"]
RELATIONS += ["parents_have_their_children"]


def audited(one: ledger.Ledger, *names: str) -> dict[str, Verdict]:
    return verdicts(one.parameters, one.environment, names)


def with_ids_of_the_tenant(new_ledger: NewLedger) -> ledger.Ledger:
    """A ledger whose ids are unique within a tenant only: invoice 1 of one is not invoice 1 of the other."""
    one = new_ledger()
    one.execute(OWN_IDS)
    one.edit("parameters/ledger.yml", "parent: invoice.id", "parent: invoice.own_id")
    return one


@pytest.mark.parametrize("how", ["null", "none"])
def test_deliveries_without_an_outcome_have_not_succeeded(new_ledger: NewLedger, how: str) -> None:
    one = new_ledger()
    if how == "null":
        one.execute("update ledger.hook_log set verdict = null")
    else:
        one.edit("parameters/ledger.yml", "outcome: verdict", "outcome: none")
    verdict = audited(one, "deliveries_succeed")["deliveries_succeed"]
    assert verdict.status is (Status.FAIL if how == "null" else Status.SKIPPED), told(verdict)


def test_an_empty_reference_is_an_orphan_unless_it_may_be_empty(new_ledger: NewLedger) -> None:
    one = new_ledger()
    one.execute("alter table ledger.invoice_line alter invoice_id drop not null")
    one.execute("update ledger.invoice_line set invoice_id = null")
    verdict = audited(one, "orphans")["orphans"]
    assert verdict.status is Status.FAIL and verdict.total == verdict.results[0].examined + verdict.results[1].examined
    one.edit("parameters/ledger.yml", "every_parent: true", "nullable: true")
    assert audited(one, "orphans")["orphans"].status is Status.PASS


def test_children_that_stay_on_purpose_are_no_fault(new_ledger: NewLedger) -> None:
    one = new_ledger()
    one.execute("update ledger.invoice set void = true where org = 'S' and store = 'A'")
    assert audited(one, RELATIONS[2])[RELATIONS[2]].status is Status.FAIL
    one.edit("parameters/ledger.yml", "every_parent: true", "keeps_children: true")
    found = audited(one, *RELATIONS)
    assert "(neither nullable nor keeps_children)" in str(found.pop(RELATIONS[2]).results[0].reason)
    assert found.pop(RELATIONS[3]).status is Status.SKIPPED and {one.status for one in found.values()} == {Status.PASS}


@pytest.mark.parametrize("name", RELATIONS)
def test_ids_that_are_unique_within_a_tenant_only_are_no_fault(new_ledger: NewLedger, name: str) -> None:
    verdict = audited(with_ids_of_the_tenant(new_ledger), name)[name]
    assert verdict.status is Status.PASS, told(verdict)


def test_another_tenants_children_are_not_counted_as_a_parents_own(new_ledger: NewLedger) -> None:
    one = with_ids_of_the_tenant(new_ledger)
    one.execute("delete from ledger.invoice_line where org = 'N'")
    verdict = audited(one, "parents_have_their_children")["parents_have_their_children"]
    assert {result.scope["tenant"]: result.status for result in verdict.results} == {
        "north": Status.FAIL,
        "south": Status.PASS,
    }


def test_syncs_that_never_ended_are_not_recent(new_ledger: NewLedger) -> None:
    one = new_ledger()
    one.execute("update ledger.job_run set finished = null")
    verdict = audited(one, "last_sync_is_recent")["last_sync_is_recent"]
    assert verdict.status is Status.INCONCLUSIVE, told(verdict)


@pytest.mark.parametrize(
    ("addition", "words"),
    [
        ("require: [orphan]", r"ledger\.yml: require: there is no check 'orphan'; did you mean orphans\?"),
        (
            "waivers: [{check: nothing_like_it, reason: r, owner: o, expires: 2999-01-01}]",
            "waivers: there is no check 'nothing_like_it'",
        ),
    ],
)
def test_a_demand_or_waiver_of_an_unknown_check_is_refused(new_ledger: NewLedger, addition: str, words: str) -> None:
    one = new_ledger()
    path = one.parameters
    path.write_text(f"{path.read_text(encoding='utf-8')}{addition}\n", encoding="utf-8")
    with pytest.raises(CheckError, match=words):
        checks.plan(project_root() / "notebooks" / "datasource", load(path))


RAW_WITHOUT = "raw: {{table: r, columns: {{{column}: none}}}}\n"


@pytest.mark.parametrize(
    ("column", "names"),
    [
        ("content_hash", {"consecutive_duplicate_hashes", "shared_hashes", "null_hashes"}),
        ("state", {"failed_refinements", "refinement_backlog"}),
        ("via", {"every_way_delivers", "latency_within_limit"}),
    ],
)
def test_what_reads_a_column_that_is_not_there_is_skipped(new_ledger: NewLedger, column: str, names: set[str]) -> None:
    path = new_ledger().parameters
    whole = path.read_text(encoding="utf-8")
    extra = RAW_WITHOUT.format(column=column)
    if column == "via":
        extra = extra.replace("via: none", "via: none, changed_at: c, refined_at: f")
    path.write_text(whole + extra, encoding="utf-8")
    parameters = load(path)
    skipped = {name: checks.planning.plan_check(checks.all_checks()[name], parameters).skipped for name in names}
    assert skipped == dict.fromkeys(names, f"the parameter file has no raw.columns.{column}")


def test_hashes_are_compared_where_records_hold_their_whole_id(new_ledger: NewLedger) -> None:
    path = new_ledger().parameters
    whole = path.read_text(encoding="utf-8") + "raw: {table: r}\n"

    def planned(text: str) -> checks.planning.Planned:
        path.write_text(text, encoding="utf-8")
        return checks.planning.plan_check(checks.all_checks()["shared_hashes"], load(path))

    assert {scope["resource"] for scope in planned(whole).scopes} == {"member", "invoice"}
    without = whole.replace("id_from: code", "id_from: '#'").replace("id_from: [store, n", "id_from: ['#', n")
    told = "nothing in the parameter file has records that hold their whole id themselves (id_from)"
    assert planned(without).skipped == told
