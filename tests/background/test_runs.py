"""The history of the runs: what each state means, and what counts as a sync that completed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from dsaudit.background.runs import by_schedule, runs
from dsaudit.parameters import ParameterError, load
from dsaudit.run.preflight.tables import database_ways
from dsaudit.verdict import Status
from tests.background.referrals import Referrals
from tests.checks.auditing import opened, told, variables

pytestmark = pytest.mark.xdist_group("referrals")
OF_SYNCS = ["last_sync_completed", "initial_sync_completed", "last_sync_is_recent", "syncs_fetched_records"]


def test_the_history_is_read_as_frames(clean: Referrals) -> None:
    with opened(clean.parameters, clean.environment) as audit:
        found = runs(audit)
        scheduled = by_schedule(audit, found)
        assert len(runs(audit, most=3)) == 3 and len(runs(audit, since=clean.ago(700))) == 2
    assert len(found) == 35 and len(scheduled) == 31
    assert set(found["resource"]) == {"referral"} and set(found["tenant"]) == {"all"}
    assert found["started_at"].is_monotonic_increasing
    assert found["state"].value_counts().to_dict() == {"success": 31, "failed": 2, "skipped": 1, "running": 1}
    killed = found[found["word"] == "abandoned"].iloc[0]
    assert killed["state"] == "failed" and killed["error"] is None
    assert found.iloc[-1]["ended_at"] is None and found.iloc[-1]["fetched"] is not None


def test_what_was_written_after_the_instant_is_there_now_alone(new: Callable[..., Referrals]) -> None:
    system = new(empty=True)
    with opened(system.parameters, system.environment) as audit:
        assert len(runs(audit)) == 0
        system.run(1)
        assert len(runs(audit)) == 0 and list(runs(audit, now=True)["task_id"]) == ["task-001"]


@pytest.mark.parametrize("name", OF_SYNCS)
def test_the_checks_of_syncs_pass_on_a_history_of_one_job(name: str, clean: Referrals) -> None:
    verdict, _ = clean.check(name)
    assert verdict.status is Status.PASS, told(verdict)


@pytest.mark.parametrize("name", OF_SYNCS)
def test_the_checks_of_syncs_prove_nothing_by_runs_that_were_skipped(name: str, new: Callable[..., Referrals]) -> None:
    system = new(empty=True)
    system.run(100, 1, status="skipped")
    system.run(50, None)
    verdict, _ = system.check(name)
    assert verdict.status in (Status.INCONCLUSIVE, Status.FAIL), told(verdict)
    assert verdict.examined == (2 if name == "initial_sync_completed" else 0)


@pytest.mark.parametrize(
    ("ago", "seconds", "given"),
    [
        (20, 2, {"status": "abandoned"}),  # a failure that says nothing more
        (20, 2, {"status": "success", "error": "PartnerError"}),
        (5000, None, {}),  # it says that it runs, and cannot any more
        (20, 2, {"status": "exploded"}),  # nobody knows what that means
    ],
)
def test_the_last_sync_has_not_completed(
    ago: float, seconds: float | None, given: dict[str, str], new: Callable[..., Referrals]
) -> None:
    system = new(empty=True)
    system.run(9000)
    system.run(ago, seconds, **given)
    system.run(2, 1, status="skipped")
    verdict, rows = system.check("last_sync_completed")
    assert verdict.status is Status.FAIL, told(verdict)
    assert [row["started_at"] for row in rows] == [system.ago(ago).isoformat(" ")] or len(rows) == 1


def test_a_sync_that_was_skipped_is_not_the_last_one(new: Callable[..., Referrals]) -> None:
    system = new(empty=True)
    system.edit("{in_flight_seconds: 0", "{sync_age_days: 1, in_flight_seconds: 0")
    system.run(timedelta(days=2).total_seconds())
    system.run(10, 1, status="skipped")
    verdict, rows = system.check("last_sync_is_recent")
    assert verdict.status is Status.FAIL and len(rows) == 1, told(verdict)


def test_a_sync_that_says_it_completed_with_nothing_is_found(new: Callable[..., Referrals]) -> None:
    system = new()
    system.run(3, 1, fetched=0, skipped_count=0)
    verdict, rows = system.check("syncs_fetched_records")
    assert verdict.status is Status.FAIL and rows[0]["due_at_source"] == 6, told(verdict)


def test_a_history_without_a_resource_needs_a_single_one_with_a_sync(new: Callable[..., Referrals]) -> None:
    system = new(empty=True)
    system.edit("    sync: sync_referrals\n", "")
    with pytest.raises(ParameterError, match=r"syncs.columns.resource: can be none .* and here 0 have one"):
        load(str(system.parameters))


def test_a_word_means_one_thing(new: Callable[..., Referrals]) -> None:
    system = new(empty=True)
    system.edit("syncs:\n", "syncs:\n  states: {success: [done], failed: [done]}\n")
    with pytest.raises(ParameterError, match="done is given twice"):
        load(str(system.parameters))
    system.edit("failed: [done]", "failed: [success]")
    syncs = load(str(system.parameters)).syncs
    assert syncs and [syncs.state_of(word) for word in ("done", "success", "skipped", "ok")] == [
        *("success", "failed", "skipped"),
        None,
    ]


def test_a_word_that_the_file_does_not_explain_is_told_before_a_run(new: Callable[..., Referrals]) -> None:
    system = new(empty=True)
    with variables(system.environment):
        assert not [line for line in database_ways(load(str(system.parameters))) if line.ok is False]
        system.run(60, 1, status="exploded")
        (line,) = [line for line in database_ways(load(str(system.parameters))) if line.ok is False]
    assert line.way == "syncs" and "status holds exploded, which the file does not explain" in line.words
