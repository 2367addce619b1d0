"""What the history of the runs says of itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dsaudit.verdict import Status
from tests.background.referrals import Referrals
from tests.checks.auditing import told

pytestmark = pytest.mark.xdist_group("referrals")
CHECKS = ["runs_do_not_overlap", "no_run_from_the_future", "runs_end", "run_counts_add_up"]
# The check, how many seconds ago a run began, how long it took, what it says otherwise than others, and what is found.
FAULTS: list[tuple[str, float, float | None, dict[str, int | None], dict[str, object]]] = [
    ("runs_do_not_overlap", 1303, 200, {}, {"seconds": 2.0}),
    ("no_run_from_the_future", -30, 1, {}, {"which": "started_at"}),
    ("no_run_from_the_future", 20, 90, {}, {"which": "ended_at"}),
    ("runs_end", 50_000, None, {}, {"kind": "abandoned"}),
    ("run_counts_add_up", 30, 1, {"skipped_count": 5}, {"kind": "does not add up", "uncounted": 1}),
    ("run_counts_add_up", 30, 1, {"failed_count": None}, {"kind": "does not say"}),
    ("run_counts_add_up", 30, 1, {"fetched": None}, {"kind": "does not add up"}),
]


@pytest.mark.parametrize("name", CHECKS)
def test_passes_on_an_odd_and_clean_history(name: str, clean: Referrals) -> None:
    verdict, _ = clean.check(name)
    assert verdict.status is Status.PASS, told(verdict)
    assert verdict.examined >= 30


@pytest.mark.parametrize("name", CHECKS)
def test_proves_nothing_without_runs(name: str, new: Callable[..., Referrals]) -> None:
    verdict, _ = new(empty=True).check(name)
    assert verdict.status is Status.INCONCLUSIVE, told(verdict)


@pytest.mark.parametrize(("name", "ago", "seconds", "given", "found"), FAULTS)
def test_fails_on_what_is_wrong_and_names_the_run(
    name: str, ago: float, seconds: float | None, given: dict[str, int], found: dict[str, object],
    new: Callable[..., Referrals],
) -> None:  # fmt: skip
    system = new()
    system.run(ago, seconds, **given)
    verdict, rows = system.check(name)
    assert verdict.status is Status.FAIL, told(verdict)
    assert [{key: row[key] for key in found} for row in rows][:1] == [found], rows


def test_a_run_that_was_skipped_may_overlap_and_need_not_count(new: Callable[..., Referrals]) -> None:
    system = new()
    system.run(1300, 250, status="skipped", skipped_count=None)
    for name in ("runs_do_not_overlap", "run_counts_add_up"):
        verdict, _ = system.check(name)
        assert verdict.status is Status.PASS, told(verdict)


def test_where_no_run_has_ended_well_a_run_has_an_hour(new: Callable[..., Referrals]) -> None:
    system = new(empty=True)
    system.run(3000, None)
    assert system.check("runs_end")[0].status is Status.PASS
    system.run(3700, None)
    verdict, rows = system.check("runs_end")
    assert verdict.status is Status.FAIL and [row["task_id"] for row in rows] == ["task-002"], told(verdict)


def test_a_run_has_as_long_as_others_took(new: Callable[..., Referrals]) -> None:
    system = new(empty=True)
    system.run(9000, 1000)
    system.run(2900, None)
    assert system.check("runs_end")[0].status is Status.PASS
    system.run(3100, None)
    verdict, rows = system.check("runs_end")
    assert verdict.status is Status.FAIL and [row["task_id"] for row in rows] == ["task-003"], told(verdict)
