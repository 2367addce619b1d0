"""Of systems that are odd as they are, each check says what it does not know and judges the rest, and none breaks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dsaudit.audit import Audit
from dsaudit.checks import all_checks
from dsaudit.verdict import Status
from tests.checks.auditing import all_rows, told
from tests.faults.mutating.stages import FAMILIES, ODD, At

# Of what is not there yet: why a check decides nothing, or the first column of its key in each row.
UNDECIDED = {
    "application_cannot_bypass": "no role that nobody_.* matches may read or write an audited table",
    "data_model_has_a_diagram": "unfinished_data_model.md: there is no such file",
    "documents_name_every_resource": "unfinished_api_coverage.md: there is no such file",
    "invariants_are_constraints": "total < 100: public.sold is a view, and constraints are on the tables behind it",
    "migrations_at_head": "versions/first.py:5: revision: os.environ is not part of the code read",
    "monitoring_rules_name_known_metrics": "(monitoring.metrics): last_delivery_seconds",
    "tenant_columns_are_filled": "the database has no table customer",
}
FOUND = {
    "documents_name_every_topic": [],
    "field_differences": [],
    "integration_code_found": ["pull_*", "RIGHTS"],
    "tables_have_row_security": ["public.order"] * 3,
    "verification_script_exists": ["verify.sh"],
}
JUST_WRITTEN = {
    "source_missing_in_refined": "marked",
    "refined_missing_at_source": "surplus",
    "field_differences": "other",
}

# Of what cannot all be told: what stands in the reason of each scope; "": it passes, and None: it fails.
DOUBTED: dict[str, dict[str, str | None]] = {
    "create_update_delete_covered": {"member": "", "note": None, "letter": None},
    "declared_columns_exist": {"": "no table note, and 1 more"},
    "every_resource_has_a_sync_function": {"member": "", "note": None, "letter": None},
    "recorded_topics_are_registered": {"north": "the record does not say", "south": "list of subscriptions"},
    "references_are_indexed": {"note.member → member.code": "no table note"},
    "required_scopes_granted": {"north member": "", "north note": None, "south member": "", "south note": None},
    "required_scopes_requested": {"member": "", "note": "not all of the list can be told"},
    "scopes_are_documented": {"": "MORE_RIGHTS is not part of the code read"},
    "signature_verified_in_code": {"": "no function that receives webhooks"},
    "sync_functions_handle_errors": {"member": "was not read", "note": "no function pull_notes"},
    "sync_functions_log": {"member": "was not read", "note": "no function pull_notes"},
    "sync_functions_paginate": {"member": "was not read", "note": "no function pull_notes"},
    "sync_functions_respect_rate_limits": {"member": "was not read", "note": "no function pull_notes"},
    "syncs_fetched_records": {
        **{"north member": None, "south member": ""},
        **dict.fromkeys(("north note", "south note"), "nothing was examined"),
    },
    "topics_have_handlers": {"": "MORE_HOOKS is not part of the code read"},
    "wanted_topics_are_in_the_code": {"member": ""},
    "wanted_topics_are_registered": {"north member": "", "south member": "list of subscriptions"},
    "webhook_addresses_right": {"north": "", "south": "list of subscriptions"},
}


@pytest.fixture(scope="module")
def odd() -> Iterator[At]:
    with FAMILIES["odd"].running() as at:
        yield at


@pytest.fixture(scope="module")
def unfinished(odd: At) -> Iterator[Audit]:
    with odd("unfinished") as (audit, _):
        yield audit


@pytest.fixture(scope="module")
def just_written(odd: At) -> Iterator[Audit]:
    with odd("just_written") as (audit, _):
        yield audit


@pytest.fixture(scope="module")
def doubts(odd: At) -> Iterator[Audit]:
    with odd("doubts") as (audit, _):
        yield audit


@pytest.mark.parametrize("name", ODD)
def test_no_check_breaks(name: str, odd: At) -> None:
    with odd(name) as (audit, _):
        found = [audit.check(name) for name, check in all_checks().items() if "acts" not in check.headers]
    assert {Status.PASS, Status.INCONCLUSIVE} <= {verdict.status for verdict in found}
    assert [told(verdict) for verdict in found if verdict.status is Status.ERROR] == []


@pytest.mark.parametrize("name", UNDECIDED)
def test_why_nothing_is_decided_is_told(name: str, unfinished: Audit) -> None:
    verdict = unfinished.check(name)
    assert verdict.status is Status.INCONCLUSIVE, told(verdict)
    assert any(UNDECIDED[name] in (one.reason or "") for one in verdict.results), told(verdict)


@pytest.mark.parametrize("name", FOUND)
def test_what_can_be_judged_is_judged(name: str, unfinished: Audit) -> None:
    verdict, key = unfinished.check(name), all_checks()[name].listed("key")[0]
    assert verdict.status is (Status.FAIL if FOUND[name] else Status.PASS), told(verdict)
    assert [row[key] for row in all_rows(unfinished, verdict)] == FOUND[name]


@pytest.mark.parametrize("name", JUST_WRITTEN)
def test_rows_written_just_now_leave_their_own_tenant_undecided(name: str, just_written: Audit) -> None:
    verdict = just_written.check(name)
    found = {one.scope["tenant"]: (one.status, one.examined) for one in verdict.results}
    assert found == {"north": (Status.INCONCLUSIVE, 1), "south": (Status.PASS, 1)}, told(verdict)
    assert [row["source_id"] for row in all_rows(just_written, verdict)] == [JUST_WRITTEN[name]]


def judged(audit: Audit, name: str, expected: dict[str, str | None]) -> None:
    """See that a check says of each scope what it has to."""
    verdict = audit.check(name)
    found = {" ".join(one.scope.values()): one for one in verdict.results}
    assert set(found) == set(expected), told(verdict)
    for scope, words in expected.items():
        status = "fail" if words is None else "inconclusive" if words else "pass"
        assert str(found[scope].status) == status, told(verdict)
        assert (words or "") in (found[scope].reason or ""), told(verdict)


@pytest.mark.parametrize("name", DOUBTED)
def test_a_check_says_what_it_does_not_know(name: str, doubts: Audit) -> None:
    judged(doubts, name, DOUBTED[name])


def test_what_was_found_is_not_in_doubt_for_a_file_that_does_not_parse(odd: At) -> None:
    with odd("unread") as (audit, _):
        judged(audit, "every_resource_has_a_sync_function", {"member": "", "note": "broken.py", "letter": None})
