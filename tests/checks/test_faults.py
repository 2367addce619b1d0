"""Each fault is found by its root check, with its rows, and nothing outside the answer key changes."""

from __future__ import annotations

from typing import Any

import pytest

from dsaudit.server import Server
from examples.storefront.faults import FAULTS, LIVE_FAULTS
from tests.checks.asked import CALLED
from tests.faults.judging import beside_the_key, in_full, judged
from tests.faults.library import KINDS
from tests.faults.systems import SYSTEMS, wait_for_nothing

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
def test_fault_is_found_with_its_rows_and_nothing_else(fault: str, sample: Any, postgres: Server) -> None:
    with sample.clone() as clone:
        planted = clone.plant(fault, seed=SEED)
        wait_for_nothing(clone)
        found = SYSTEMS["storefront"].audit(clone, postgres.url, False)
    trial = judged(f"storefront/{fault}", "datasource", planted, found)
    assert beside_the_key(trial) == [], in_full(trial, found)
    assert planted.mode == KINDS[f"storefront/{fault}"].mode
    if fault in ROOTS:
        first = found.decided["order"][0], trial.first
        assert first == (ROOTS[fault], ROOTS[fault]), found.decided["order"]


def test_the_faults_with_a_root_are_planted() -> None:
    assert set(ROOTS) <= set(FAULTS)


def test_every_check_has_a_fault_that_it_is_the_root_of() -> None:
    # The keys are written by planting; which checks they name stands in the planters' source, so it can be read here.
    from inspect import getsource

    text = "\n".join(getsource(fault) for fault in (FAULTS | LIVE_FAULTS).values())
    without = [name for name in CALLED if f'"{name}"' not in text]
    assert without == []
