"""Records on either side of each condition of the queries: each check names those that it has to, and no other."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dsaudit.audit import Audit
from dsaudit.checks import all_checks
from tests.checks.auditing import all_rows, told
from tests.faults.mutating.stages import CLEAN, FAMILIES

# The rows of each check, by the first column of its key; of runs, whose key is a time, by tenant and resource.
EXPECTED = {
    "null_source_ids": {"29", "65"},
    "raw_missing_in_refined": {
        *("announced", "at_once", "failed_one", "failed_two", "failed_yesterday", "hidden", "only", "stateless"),
        *("undeleted", "waited", "a", "west_1", "west_2", *(f"east_{place}" for place in range(1, 11))),
    },
    "consecutive_duplicate_hashes": {"between", "tied"},
    "deliveries_stored_twice": {"tied"},
    "null_hashes": {"no_hash"},
    "one_refined_row_per_source_id": {"gone"},
    "refined_built_from_newest": {"ahead", "deleted_there", "just_done", "late", "older", "unbuilt", "undeleted"},
    "shared_hashes": {"s1"},
    "deliveries_succeed": set(),
    "registration_succeeded": {"completed", "None"},
    "latency_within_limit": {"timed_1", "timed_2", "timed_3"},
    "no_delivery_from_the_future": {"account.changed"},
    "no_record_from_the_future": {"a", "observed_first", "refined_first"},
    "every_way_delivers": {"sync", "webhook"},
    "failed_refinements": {"timed_7", "west_1", "west_2"},
    "refinement_backlog": {"stateless", "timed_1", "timed_2"},
    "children_of_deleted_parents": {"hidden", "left_behind", "undeleted"},
    "children_share_the_tenancy": {"crossing", "of_another_unit"},
    "enough_children_are_linked": {"elsewhere", "unlinked"},
    "orphans": {"elsewhere", "empty", "orphan"},
    "parents_count_their_children": {"lost", "uncounted"},
    "parents_have_their_children": {"b", "childless", "only_gone"},
    "references_stay_within_the_tenant": {"crossing"},
    "constraints_are_enforced": {"accounts_pk", "entry_code", "note_code", "raw_key", "unvalidated"},
    "no_run_from_the_future": set(),
    "runs_do_not_overlap": set(),
    "runs_end": {"north account", "north note"},
    "initial_sync_completed": {"north note", "west note"},
    "last_sync_completed": {"north note", "south account", "south entry", "south note"},
    "last_sync_is_recent": {"south entry"},
}
OF_RUNS = ("started_at", "first_started", "last_ended")
# What is there for its latency alone lies in no table.
TIMED = ("raw_missing_in_refined",)


@pytest.fixture(scope="module")
def corners() -> Iterator[Audit]:
    with FAMILIES["corners"].running() as at, at(CLEAN) as (audit, _):
        yield audit


@pytest.mark.parametrize("name", EXPECTED)
def test_a_check_names_the_records_beyond_its_limits(name: str, corners: Audit) -> None:
    verdict = corners.check(name)
    key = all_checks()[name].listed("key")[0]
    named = {
        f"{row['tenant']} {row['resource']}" if key in OF_RUNS else str(row[key]) for row in all_rows(corners, verdict)
    }
    named -= {one for one in named if name in TIMED and one.startswith("timed_")}
    assert named == EXPECTED[name], told(verdict)


def test_every_query_that_the_corners_can_ask_is_expected_to_say_something(corners: Audit) -> None:
    elsewhere = {"no_deadlock_was_counted", "run_counts_add_up"}  # a whole server's, and a history of another shape
    assert set(EXPECTED) == {name for name, check in all_checks().items() if check.is_query} - elsewhere
