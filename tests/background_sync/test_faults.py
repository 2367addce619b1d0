"""Each fault of a scheduled sync is found by its root check, before what follows from it, and nothing else changes."""

from __future__ import annotations

from typing import Any

import pytest

from examples.referrals.faults import FAULTS
from tests.background_sync.auditing import CHECKS
from tests.faults.judging import in_full, judged, what_is_wrong
from tests.faults.systems import SYSTEMS

# The check that finds the root: the first thing that a reader is told.
ROOTS = {
    "sync_inserts_again": "second_sync_writes_nothing",
    "concurrent_syncs_insert_twice": "concurrent_syncs_write_once",
    "beat_entry_missing": "schedule_has_the_entry",
    "beat_interval_wrong": "schedule_has_the_entry",
    "beat_fires_twice": "sync_fires_on_schedule",
    "task_never_registered": "task_is_registered",
    "task_ignores_flag": "flag_off_skips_the_task",
    "api_ignores_flag": "flag_off_refuses_the_request",
    "statistics_missing_from_log": "log_lines_have_their_fields",
    "exception_crashes_worker": "failure_is_logged_and_survived",
    "domain_not_normalised": "domains_are_normalised",
    "referral_type_missing_from_view": "ready_view_has_its_columns",
    "api_errors_swallowed": "failure_is_logged_and_survived",
    "second_page_dropped": "source_missing_in_refined",
    "everything_counted_new": "second_sync_counts_nothing_new",
    "flag_reaches_the_api_alone": "flag_is_seen_by_every_process",
    "flag_stays_off": "flag_is_left_as_found",
    "bad_record_ends_sync": "bad_record_stops_nothing",
    "killed_run_left_running": "killed_sync_is_made_up_for",
    "health_degraded": "api_is_healthy",
    "task_id_withheld": "sync_request_is_accepted",
}
GROUPS = 3  # samples at once: each fault is planted alone, and healed


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(fault, marks=pytest.mark.xdist_group(f"referrals-{place % GROUPS}"))
        for place, fault in enumerate(sorted(FAULTS))
    ],
)
def test_a_fault_is_found_by_its_root_and_nothing_else_changes(fault: str, referrals: Any) -> None:
    try:
        planted = referrals.plant(fault)
        found = SYSTEMS["referrals"].audit(referrals, "", True)
    finally:
        referrals.heal()
    trial = judged(f"referrals/{fault}", "background_sync", planted, found)
    assert what_is_wrong(trial) == [], in_full(trial, found)
    assert (found.decided["order"][0], trial.first) == (ROOTS[fault], ROOTS[fault]), found.decided["order"]


def test_every_fault_has_its_root() -> None:
    assert set(ROOTS) == set(FAULTS)
    assert set(ROOTS.values()) <= set(CHECKS)
