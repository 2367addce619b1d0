"""What the planted faults cannot show of credentials and scopes: lists that cannot be told, records of other shapes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from dsaudit.checks import all_checks, plan_check
from dsaudit.database.inference import Inferred, infer
from dsaudit.facts import scopes
from dsaudit.parameters import load
from dsaudit.parameters.known import Aged
from dsaudit.source import Recording
from dsaudit.verdict import Status, Verdict
from tests import ledger
from tests.checks.auditing import opened, told, verdicts

NewLedger = Callable[..., ledger.Ledger]
REFUSED = "http://127.0.0.1/members.json: refused with 403; token or scope is not accepted"
SILENT = "http://127.0.0.1/members.json: no answer (ConnectError)"


def judged(one: ledger.Ledger, check: str) -> Verdict:
    return verdicts(one.parameters, one.environment, [check])[check]


def edited(one: ledger.Ledger, change: str, to: str) -> None:
    one.edit("parameters/ledger.yml", change, to)


@pytest.mark.parametrize(
    "kept", [["a", "b"], ("a", "b"), "a,b", "a b", " a , b ,", ["a b"], "\na\tb"], ids=lambda kept: repr(kept)
)
def test_scopes_are_read_from_a_list_or_a_text(kept: object) -> None:
    assert scopes.names_in(kept) == ["a", "b"]


def test_what_is_nested_is_hidden_with_its_parent(new_ledger: NewLedger) -> None:
    parameters = load(new_ledger().parameters)
    assert scopes.hidden_without(parameters, "invoice") == ["invoice", "line"]
    assert scopes.hidden_without(parameters, "member") == ["member"]


def with_provider(one: ledger.Ledger, more: str = "") -> None:
    """Name a provider of one's own that has a member's older records behind a scope, and whatever `more` says."""
    facts = "known: {aged: {scope: read_history, days: 60}}, created: joined, no_webhooks: none"
    text = f"name: Books\nresources: {{member: {{{facts}}}}}\n{more}"
    one.parameters.with_name("books.yml").write_text(text, encoding="utf-8")
    file = one.parameters.read_text(encoding="utf-8")
    one.parameters.write_text(f"provider: parameters/books.yml\n{file}", encoding="utf-8")


def granted(one: ledger.Ledger, tenant: str, *scopes: str) -> None:
    lines = [json.dumps({"handle": scope}) for scope in scopes]
    (one.folder / "export" / tenant / "scopes.jsonl").write_text("\n".join(lines), encoding="utf-8")


def test_which_scope_includes_another_is_asked_of_the_provider(new_ledger: NewLedger) -> None:
    one = new_ledger()
    for tenant in ("north", "south"):
        granted(one, tenant, "read_members", "write_invoices")
    verdict = judged(one, "required_scopes_granted")
    assert verdict.status is Status.INCONCLUSIVE, told(verdict)
    reasons = {result.reason for result in verdict.results if result.scope["resource"] == "invoice"}
    words = "whether write_invoices includes read_invoices is the provider's rule, and the file names no provider"
    assert reasons == {words}
    edited(one, "scope: read_members", "scope: []")  # nothing of it is older here
    with_provider(one, 'includes: {"write_*": "read_*"}')
    assert judged(one, "required_scopes_granted").status is Status.PASS
    with opened(one.parameters, one.environment) as audit:
        frame = audit.frame("scope_sets").set_index("oauth_scope")
    assert frame.loc["read_invoices", "granted_by"] == "north by write_invoices, south by write_invoices"
    one.edit("parameters/books.yml", "includes", "# includes")
    verdict = judged(one, "required_scopes_granted")
    assert [row[:3] for row in verdict.rows] == [[name, "invoice", "read_invoices"] for name in ("north", "south")]


def test_a_scope_that_opens_the_older_records_hides_no_more_than_those(new_ledger: NewLedger) -> None:
    one = new_ledger()
    with_provider(one)
    granted(one, "north", "read_members", "read_invoices", "read_history")
    one.execute("""update ledger."Member" set joined = now() - interval '59 days'""")
    older = """update ledger."Member" set joined = now() - interval '61 days' where code in ('s-00', 's-01', 'gone')"""
    one.execute(older)
    verdict = judged(one, "required_scopes_granted")
    row = dict(zip([column["name"] for column in verdict.columns], verdict.rows[0], strict=True))
    found = (row["tenant"], row["oauth_scope"], row["hides"], row["rows_here"])
    assert found == ("south", "read_history", "member older than 60 days", 2), told(verdict)
    assert len(verdict.rows) == 1
    with opened(one.parameters, one.environment) as audit:
        line = audit.frame("scope_sets").set_index("oauth_scope").loc["read_history"].to_dict()
        known = audit.parameters.resources["member"].known
        inferred = infer(load(one.parameters), audit.database)
    assert (line["needed_by"], line["granted_by"], line["missing_at"]) == ("member", "north", "south")
    assert (known.created, known.aged) == ("joined", Aged(scope="read_history", days=60))
    told_so = [str(Inferred(**each.to_json())) for each in inferred if each.key == "known.aged"]
    words = "without this scope the Books shows none that is older than so many days"
    assert told_so == [f"resources.member.known.aged: read_history, 60 ({words})"]
    assert (line["hides"], line["told_by"]) == ("member older than 60 days (2 rows here)", "provider")


def test_what_the_file_says_of_older_records_wins(new_ledger: NewLedger) -> None:
    one = new_ledger()
    with_provider(one)
    edited(one, "    sync: pull_members", "    known: {aged: null}\n    sync: pull_members")
    assert judged(one, "required_scopes_granted").status is Status.PASS


def test_a_list_that_only_running_would_tell_is_undecided_with_its_place(new_ledger: NewLedger) -> None:
    one = new_ledger()
    one.edit("code/rights.py", '    "read_invoices",  # invoices with their lines\n', "    *load(),\n")
    found = verdicts(
        one.parameters,
        one.environment,
        ["required_scopes_requested", "no_scope_in_excess", "scopes_are_documented", "integration_code_found"],
    )
    states = {result.scope["resource"]: result for result in found["required_scopes_requested"].results}
    assert states["member"].status is Status.PASS
    assert states["invoice"].status is Status.INCONCLUSIVE
    assert "rights.py:6" in (states["invoice"].reason or "")
    assert found["no_scope_in_excess"].status is Status.INCONCLUSIVE
    assert found["scopes_are_documented"].status is Status.INCONCLUSIVE
    assert found["integration_code_found"].status is Status.PASS


def test_a_list_that_is_not_there_fails_as_code_that_was_not_found(new_ledger: NewLedger) -> None:
    one = new_ledger()
    edited(one, "scopes: RIGHTS", "scopes: CLAIMS")
    assert judged(one, "integration_code_found").rows[0][0] == "CLAIMS"
    assert judged(one, "required_scopes_requested").status is Status.INCONCLUSIVE


def test_a_system_without_scopes_is_not_asked_for_them(new_ledger: NewLedger) -> None:
    one = new_ledger()
    edited(one, "    scope: read_members\n", "")
    edited(one, "    scope: [read_invoices]\n", "")
    edited(one, "scopes: RIGHTS", "scopes: CLAIMS")
    parameters = load(one.parameters)
    for name in ("required_scopes_requested", "required_scopes_granted", "no_scope_in_excess", "scopes_are_documented"):
        assert plan_check(all_checks()[name], parameters).skipped == "nothing in the parameter file declares scope"
    assert judged(one, "integration_code_found").status is Status.PASS


def test_one_of_several_ways_in_is_enough(new_ledger: NewLedger) -> None:
    one = new_ledger()
    check = all_checks()["required_scopes_granted"]
    edited(one, "scopes: scopes.jsonl, ", "")
    assert plan_check(check, load(one.parameters)).skipped is None
    assert judged(one, "required_scopes_granted").status is Status.PASS
    text = one.parameters.read_text(encoding="utf-8")
    start, end = text.index("record:\n"), text.index("table_prefix:")
    one.parameters.write_text(text[:start] + text[end:], encoding="utf-8")
    skipped = plan_check(check, load(one.parameters)).skipped
    assert skipped == "the parameter file has no source.scopes or record (the integration record)"


def test_the_record_speaks_where_the_provider_is_not_asked(new_ledger: NewLedger) -> None:
    one = new_ledger()
    edited(one, "scopes: scopes.jsonl, ", "")
    one.execute("alter table ledger.connection alter granted type text using 'read_members, read_invoices'")
    assert judged(one, "required_scopes_granted").status is Status.PASS
    one.execute("update ledger.connection set granted = 'read_members' where org = 'N'")
    verdict = judged(one, "required_scopes_granted")
    assert [row[:3] for row in verdict.rows] == [["north", "invoice", "read_invoices"]], told(verdict)
    assert verdict.rows[0][-1] == "record"


def test_nobody_to_ask_is_no_grant(new_ledger: NewLedger) -> None:
    one = new_ledger()
    edited(one, "scopes: scopes.jsonl, ", "")
    one.execute("update ledger.connection set granted = null where org = 'N'")
    results = judged(one, "required_scopes_granted").results
    states = {result.scope["tenant"]: result.status for result in results}
    assert states == {"north": Status.INCONCLUSIVE, "south": Status.PASS}
    reason = "neither the provider nor a stored record tells which scopes were granted"
    assert {result.reason for result in results} - {None} == {reason}
    with_provider(one, "untold: a key's rights stand in the dashboard")
    results = judged(one, "required_scopes_granted").results
    assert {result.reason for result in results} - {None} == {f"{reason}: a key's rights stand in the dashboard"}


def test_who_granted_what_nobody_needs_is_named(new_ledger: NewLedger) -> None:
    one = new_ledger()
    granted(one, "south", "read_members", "read_invoices", "write_invoices")
    one.edit("code/rights.py", "*BASE,", '*BASE, "write_members",')
    verdict = judged(one, "no_scope_in_excess")
    assert verdict.rows == [["write_invoices", None, "south"], ["write_members", "rights.py:5", None]], told(verdict)


def test_it_is_told_on_which_side_a_scope_is_missing(new_ledger: NewLedger) -> None:
    one = new_ledger()
    granted(one, "south", "read_members", "write_invoices")
    verdict = judged(one, "stored_scopes_match_granted")
    found = [["read_invoices", "stored, not granted"], ["write_invoices", "granted, not stored"]]
    assert [row[-2:] for row in verdict.rows] == found, told(verdict)


def test_the_table_of_the_three_sets_names_who_lacks_what(new_ledger: NewLedger) -> None:
    one = new_ledger()
    one.edit("export/south/scopes.jsonl", "read_members", "read_everything")
    with opened(one.parameters, one.environment) as audit:
        frame = audit.frame("scope_sets").set_index("oauth_scope")
    assert frame.loc["read_members", "granted_by"] == "north"
    assert frame.loc["read_members", "missing_at"] == "south"
    assert frame.loc["read_members", "requested_at"] == "rights.py:3"
    assert frame.loc["read_everything", "needed_by"] == ""


def judged_by_recording(one: ledger.Ledger, folder: Path, lists: Mapping[str, dict[str, Any]], check: str) -> Verdict:
    """Judge by a recording in which every tenant's lists were answered as given."""
    edited(one, f"kind: files, folder: {one.folder}/export", "kind: rest, base_url: http://127.0.0.1")
    tenants = {name: {"resources": dict(lists), "scopes": None} for name in ("north", "south")}
    folder.mkdir()
    (folder / "index.json").write_text(json.dumps({"started": "2026-11-20T00:00:00+00:00", "tenants": tenants}))
    with opened(one.parameters, one.environment) as audit:
        audit.__dict__["source"] = Recording(folder, audit.parameters)
        return audit.check(check)


ANSWERED = {"problem": None, "answered": True}


def test_a_refusal_fails_and_silence_is_undecided(new_ledger: NewLedger, tmp_path: Path) -> None:
    refused = {"member": {"problem": REFUSED, "refused": True}, "invoice": ANSWERED}
    verdict = judged_by_recording(new_ledger("one"), tmp_path / "refused", refused, "credentials_accepted")
    assert verdict.status is Status.FAIL
    assert [row[:3] for row in verdict.rows] == [["north", "member", "member"], ["south", "member", "member"]]
    silent = {"member": {"problem": SILENT, "refused": False}, "invoice": ANSWERED}
    verdict = judged_by_recording(new_ledger("two"), tmp_path / "silent", silent, "credentials_accepted")
    assert verdict.status is Status.INCONCLUSIVE
    assert "no answer" in (verdict.results[0].reason or "")


def test_a_list_that_was_answered_and_moved_meanwhile_is_no_refusal(new_ledger: NewLedger, tmp_path: Path) -> None:
    moved = {"member": {"problem": "2 ids came twice", "answered": True}, "invoice": ANSWERED}
    verdict = judged_by_recording(new_ledger(), tmp_path / "moved", moved, "credentials_accepted")
    assert verdict.status is Status.PASS


def test_a_source_without_credentials_is_not_asked_for_them(new_ledger: NewLedger) -> None:
    skipped = plan_check(all_checks()["credentials_accepted"], load(new_ledger().parameters)).skipped
    assert skipped == "the parameter file has no source.base_url or source.base_url_env"
