"""Each fault is found by its root check, with its rows, and nothing outside the answer key changes."""

from __future__ import annotations

from typing import Any

import pytest

from dsaudit.checks import all_checks
from dsaudit.verdict import Status, Verdict
from examples.answer_key import Expected
from examples.storefront.faults import FAULTS, LIVE_FAULTS
from tests.checks.asked import CALLED, READING
from tests.checks.auditing import all_rows, decision, opened, told
from tests.faults.library import KINDS

SEED = 1

# Of the faults that an integration has most often, the check that finds the root: the first thing a reader is told.
ROOTS = {
    "topic_dropped_from_code": "wanted_topics_are_in_the_code",
    "topic_not_subscribed": "wanted_topics_are_registered",
    "registered_elsewhere": "webhook_addresses_right",
    "handler_removed": "topics_have_handlers",
    "signature_check_removed": "signature_verified_in_code",
    "signature_of_parsed_body": "signature_verified_in_code",
    "scope_withdrawn": "required_scopes_granted",
    "paging_taken_out": "sync_functions_paginate",
    "errors_swallowed": "sync_functions_handle_errors",
    "delivery_delayed": "latency_within_limit",
    "deliveries_stopped": "webhooks_come_without_a_gap",
    "same_second_update_lost": "raw_differs_from_source",
    "delete_missed": "refined_missing_at_source",
    "answered_before_stored": "raw_differs_from_source",
    "delete_never_reconciled": "refined_missing_at_source",
    "payment_removed_at_source": "refined_missing_at_source",
    "created_alone_fetched": "raw_differs_from_source",
    "equal_times_cut": "source_missing_in_raw",
    "change_feed_capped": "source_missing_in_raw",
    "update_before_its_creation": "source_missing_in_raw",
    "unseen_taken_for_deleted": "source_missing_in_refined",
    "children_beyond_a_limit": "raw_missing_in_refined",
    "column_not_filled_in": "field_differences",
}


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_fault_is_found_with_its_rows_and_nothing_else(fault: str, sample: Any) -> None:
    with sample.clone() as clone:
        planted = clone.plant(fault, seed=SEED)
        wait_for_nothing(clone)
        with opened(clone.parameters, clone.environment) as audit:
            parameters = audit.parameters
            assert audit.source.index
            found = {name: audit.check(name) for name in READING}
            rows = {name: all_rows(audit, verdict) for name, verdict in found.items()}
    assert planted.mode == KINDS[f"storefront/{fault}"].mode
    for expected in planted.must:
        verdict = found[expected.check]
        assert verdict.status == expected.status, told(verdict)
        assert expected.keys == [] or set(expected.keys) == _keys(verdict, rows[expected.check], expected), told(
            verdict
        )
        if expected.cause and "tolerates" in all_checks()[expected.check].headers:
            assert _causes(rows[expected.check], expected) == {expected.cause}, told(verdict)
        assert expected.fields == [] or set(expected.fields) == _fields(rows[expected.check], expected), told(verdict)
    allowed = {expected.check for expected in planted.must} | set(planted.may)
    alarms = [told(one) for name, one in found.items() if one.status is not Status.PASS and name not in allowed]
    assert alarms == []
    if fault in ROOTS:
        decided = decision(parameters, found)
        first = decided["order"][0], decided["reasons"][0]["check"]
        assert first == (ROOTS[fault], ROOTS[fault]), decided["order"]


def test_the_faults_with_a_root_are_planted() -> None:
    assert set(ROOTS) <= set(FAULTS)


def wait_for_nothing(clone: Any) -> None:
    """Tell the audit that nothing is under way: the clone has settled, and two seconds a fault add up."""
    clone.settle()
    text = clone.parameters.read_text(encoding="utf-8")
    assert "in_flight_seconds: 2" in text
    clone.parameters.write_text(text.replace("in_flight_seconds: 2", "in_flight_seconds: 0"), encoding="utf-8")


def _in_scope(row: dict[str, object], expected: Expected) -> bool:
    return all(str(row.get(name)) == value for name, value in expected.scope.items())


def _keys(verdict: Verdict, rows: list[dict[str, object]], expected: Expected) -> set[str]:
    """Return the rows of the expected scope, by the first of the check's key columns."""
    key = all_checks()[verdict.check].listed("key")[0]
    return {str(row[key]) for row in rows if _in_scope(row, expected)}


def _causes(rows: list[dict[str, object]], expected: Expected) -> set[str]:
    """Return what is said to be the cause of the rows expected."""
    wanted = [row for row in rows if _in_scope(row, expected) and str(row["source_id"]) in expected.keys]
    return {str(row["cause"]) for row in wanted}


def _fields(rows: list[dict[str, object]], expected: Expected) -> set[str]:
    return {str(row["field"]) for row in rows if _in_scope(row, expected)}


def test_every_check_has_a_fault_that_it_is_the_root_of() -> None:
    # The keys are written by planting; which checks they name stands in the planters' source, so it can be read here.
    from inspect import getsource

    text = "\n".join(getsource(fault) for fault in (FAULTS | LIVE_FAULTS).values())
    without = [name for name in CALLED if f'"{name}"' not in text]
    assert without == []
