"""Of systems that are odd as they are, each check says what it does not know and judges the rest, and none breaks."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from typing import Any

import pytest

from dsaudit.audit import Audit
from dsaudit.checks import all_checks
from dsaudit.verdict import Status
from tests.checks.auditing import all_rows, told
from tests.faults.mutating.stages import FAMILIES, ODD

Audits = Callable[[str], Audit]  # by the name of a system

# Of each system: why a check decides nothing, or the first column of its key in each row.
UNDECIDED = {
    "unfinished": {
        "application_cannot_bypass": "no role that nobody_.* matches may read or write an audited table",
        "concurrent_updates_do_not_deadlock": "refused: null value in column",
        "data_model_has_a_diagram": "unfinished_data_model.md: there is no such file",
        "documents_name_every_resource": "unfinished_api_coverage.md: there is no such file",
        "invariants_are_constraints": "total < 100: public.sold is a view, and constraints are on the tables behind it",
        "migrations_at_head": "versions/first.py:5: revision: os.environ is not part of the code read",
        "monitoring_rules_name_known_metrics": "(monitoring.metrics): last_delivery_seconds",
        "schedule_survives_clock_changes": "'99' is no minute of a crontab",
        "tenant_columns_are_filled": "the database has no table customer",
    },
    "unanswered": {
        "alert_rules_are_sound": "Unfinished: it is no PromQL",
        "api_is_healthy": "the API was not reached",
        "dashboards_name_known_metrics": "the scrape was not answered",
        "database_is_at_the_head": "migrations.config: there is no file",
        "derived_values_equal_their_formula": "no row may have doubled",
        "provenance_is_complete": "price is empty in every row",
        "queries_use_an_index": 'relation "public.nothing" does not exist',
        "required_values_are_there": "no row is full",
        "states_are_known": "the database has no table label",
        "task_is_registered": "holds no address of a broker",
        "withheld_values_are_absent": "no row is partial",
    },
    "just_written": {"errors_left_a_record": "a part of the log is not known: there is no file"},
}
FOUND = {
    "unfinished": {
        "documents_name_every_topic": [],
        "field_differences": [],
        "integration_code_found": ["pull_*", "RIGHTS"],
        "schedule_has_the_entry": ["nightly"],
        "tables_have_row_security": ["public.order"] * 3,
        "verification_script_exists": ["verify.sh"],
    },
    "unanswered": {
        "concurrent_updates_do_not_deadlock": ["crossing"],
        "deletes_do_what_is_declared": ["item.part → part.code"] * 2,
        "gauges_are_set": ["waiting"],
        "metrics_module_can_be_imported": ["pulled_total"],
        "missing_fields_are_truthful": [],
        "own_tests_pass": [],
        "queries_within_budget": ["slow"],
        "ready_view_has_its_columns": [],
        "schedule_has_the_entry": ["nightly"],
    },
}
JUST_WRITTEN = {
    "source_missing_in_raw": ["marked", "other"],
    "source_missing_in_refined": ["marked"],
    "refined_missing_at_source": ["surplus"],
    "field_differences": ["other"],
}

# Of what cannot all be told: what stands in the reason of each scope; "": it passes, and None: it fails.
DOUBTED: dict[str, dict[str, dict[str, str | None]]] = {
    "doubts": {
        "available_changes_are_wanted": {"": "nothing was examined"},
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
    },
    # What was found is not in doubt for a file that does not parse.
    "unread": {"every_resource_has_a_sync_function": {"member": "", "note": "broken.py", "letter": None}},
}


@pytest.fixture(scope="module")
def audit_of() -> Iterator[Audits]:
    with FAMILIES["odd"].running() as at, ExitStack() as stack:

        @cache
        def opened(name: str) -> tuple[Audit, str]:
            return stack.enter_context(at(name))[0], os.environ["SHAPE_URL"]

        def audit_of(name: str) -> Audit:
            audit, os.environ["SHAPE_URL"] = opened(name)  # which the system that was opened last has changed
            return audit

        yield audit_of


def of_each(expected: dict[str, dict[str, Any]]) -> list[tuple[str, str, Any]]:
    """List what is expected of each system and check."""
    return [(system, name, one) for system, checks in expected.items() for name, one in checks.items()]


@pytest.mark.parametrize("system", ODD)
def test_no_check_breaks(system: str, audit_of: Audits) -> None:
    audit = audit_of(system)
    found = [audit.check(name) for name, check in all_checks().items() if "acts" not in check.headers]
    assert {Status.PASS, Status.INCONCLUSIVE} <= {verdict.status for verdict in found}
    assert [told(verdict) for verdict in found if verdict.status is Status.ERROR] == []


@pytest.mark.parametrize(("system", "name", "words"), of_each(UNDECIDED))
def test_why_nothing_is_decided_is_told(system: str, name: str, words: str, audit_of: Audits) -> None:
    verdict = audit_of(system).check(name)
    assert verdict.status is Status.INCONCLUSIVE, told(verdict)
    assert any(words in (one.reason or "") for one in verdict.results), told(verdict)


@pytest.mark.parametrize(("system", "name", "rows"), of_each(FOUND))
def test_what_can_be_judged_is_judged(system: str, name: str, rows: list[str], audit_of: Audits) -> None:
    verdict, key = audit_of(system).check(name), all_checks()[name].listed("key")[0]
    assert verdict.status is (Status.FAIL if rows else Status.PASS), told(verdict)
    assert [row[key] for row in all_rows(audit_of(system), verdict)] == rows


@pytest.mark.parametrize("name", JUST_WRITTEN)
def test_rows_written_just_now_leave_their_own_tenant_undecided(name: str, audit_of: Audits) -> None:
    audit = audit_of("just_written")
    verdict = audit.check(name)
    found = {one.scope["tenant"]: (one.status, one.examined) for one in verdict.results}
    assert found == {"north": (Status.INCONCLUSIVE, 1), "south": (Status.PASS, 1)}, told(verdict)
    assert [row["source_id"] for row in all_rows(audit, verdict)] == JUST_WRITTEN[name]


@pytest.mark.parametrize(("system", "name", "scopes"), of_each(DOUBTED))
def test_a_check_says_of_each_scope_what_it_does_not_know(
    system: str, name: str, scopes: dict[str, str | None], audit_of: Audits
) -> None:
    verdict = audit_of(system).check(name)
    found = {" ".join(one.scope.values()): one for one in verdict.results}
    assert set(found) == set(scopes), told(verdict)
    for scope, words in scopes.items():
        status = "fail" if words is None else "inconclusive" if words else "pass"
        assert str(found[scope].status) == status, told(verdict)
        assert (words or "") in (found[scope].reason or ""), told(verdict)
