"""On the sample as it should be every check passes, acting ones included; and everything is left as it was found."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from dsaudit.verdict import Status
from tests.background_sync.auditing import CHECKS, audited, edited
from tests.checks.auditing import Verdicts, told

pytestmark = pytest.mark.xdist_group("referrals-0")


@pytest.fixture(scope="module")
def clean(referrals: Any) -> Verdicts:
    return audited(referrals)[0]


@pytest.mark.parametrize("name", CHECKS)
def test_passes_on_the_sample(name: str, clean: Verdicts) -> None:
    assert clean[name].status is Status.PASS, told(clean[name])
    assert clean[name].examined > 0


def test_the_flag_is_on_and_the_source_serves_afterwards(referrals: Any, clean: Verdicts) -> None:
    answer = httpx.get(f"{referrals.environment['REFERRALS_API']}/healthz", trust_env=False)
    assert answer.json()["feature_flag_state"] == "enabled"
    headers = {"Authorization": f"Bearer {referrals.environment['REFERRALS_PARTNER_TOKEN']}"}
    address = f"{referrals.environment['REFERRALS_PARTNER_API']}/v1.0/engagements/referrals"
    assert httpx.get(address, headers=headers, trust_env=False).status_code == 200


def test_a_history_without_ids_and_triggers_is_enough_for_all_but_what_needs_them(referrals: Any) -> None:
    named = (" task_id: task_id, trigger: trigger,", ", task_id: task_id", "    task_id: task_id\n")
    file = edited(referrals, *((one, "") for one in named))
    for _ in range(2):  # by hand, of which one at least is between two of the schedule
        referrals.ended(referrals.sync())
    found = audited(referrals, parameters=file)[0]
    others = {name: one for name, one in found.items() if one.status is not Status.PASS}
    assert {name: one.status for name, one in others.items()} == {
        "killed_sync_is_made_up_for": Status.SKIPPED,
        "sync_fires_on_schedule": Status.INCONCLUSIVE,
    }
    assert "syncs.columns.task_id" in told(others["killed_sync_is_made_up_for"])
    assert "syncs.columns.trigger" in told(others["sync_fires_on_schedule"])
