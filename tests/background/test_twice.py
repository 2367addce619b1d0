"""Two syncs one after the other: what meets the second, and so may have written what passes for its own."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dsaudit.background.acts import _met
from tests.background.referrals import Referrals
from tests.checks.auditing import opened

pytestmark = pytest.mark.xdist_group("referrals")
TRIGGER = ("task_id: task_id, trigger: trigger", "trigger: trigger")


@pytest.mark.parametrize(
    ("ago", "seconds", "status", "met"),
    [
        (23, 5, "success", 1),  # began before the first had ended, and ended after that
        (18, 1, "success", 1),
        (18, 1, "failed", 1),  # what it wrote before it failed stays
        (15, None, "running", 1),
        (30, 1, "success", 0),
        (18, 1, "skipped", 0),  # it found itself switched off
    ],
)
def test_another_run_meets_the_second(
    ago: float, seconds: float | None, status: str, met: int, new: Callable[..., Referrals]
) -> None:
    system = new(empty=True)
    own = [{"task_id": system.run(when, 2, trigger="api"), "run": {"ended_at": system.ago(when - 2).isoformat()}}
           for when in (22, 16)]  # fmt: skip
    system.run(ago, seconds, status=status)
    with opened(system.parameters, system.environment) as audit:
        assert _met(audit, {"runs": own}) == met


def test_without_ids_nothing_tells_another_run_from_our_own(new: Callable[..., Referrals]) -> None:
    system = new(empty=True)
    system.edit(*TRIGGER)
    own = [{"task_id": "one", "run": {"ended_at": system.ago(when).isoformat()}} for when in (22, 16)]
    system.run(18, 1)
    with opened(system.parameters, system.environment) as audit:
        assert _met(audit, {"runs": own}) == 0
