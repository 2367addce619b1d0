"""What was not shown is no pass: nothing to write, two that failed, a flag that was off, nobody who works."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from dsaudit.verdict import Status
from tests.background_sync.auditing import audited, edited
from tests.background_sync.test_outages import away
from tests.checks.auditing import told

pytestmark = pytest.mark.xdist_group("referrals-1")
AT_ONCE, KILLED = "concurrent_syncs_write_once", "killed_sync_is_made_up_for"
OF_THE_FLAG = [
    "flag_is_seen_by_every_process",
    "flag_off_refuses_the_request",
    "flag_off_skips_the_task",
    "flag_is_left_as_found",
]
VANISHING = """
create function vanish() returns trigger language plpgsql as
  $$ begin delete from partner_center_sync_runs where id = new.id; return null; end $$;
create trigger vanish after update on partner_center_sync_runs for each row when (new.status = 'skipped')
  execute function vanish()
"""


@pytest.fixture
def sample(referrals: Any) -> Iterator[Any]:
    yield referrals
    referrals.heal()


def test_two_at_once_that_had_nothing_to_insert_prove_nothing_but_beside_a_unique_index(sample: Any) -> None:
    (line,) = [
        one for one in sample.parameters.read_text(encoding="utf-8").splitlines() if one.startswith("new_record")
    ]
    file = edited(sample, (line, ""))
    found = audited(sample, [AT_ONCE, KILLED], file)[0]
    assert [one.status for one in found.values()] == [Status.PASS, Status.PASS]
    assert "no record was new" in found[AT_ONCE].limits[0] and "a unique index keeps" in found[AT_ONCE].limits[0]
    assert "had nothing to lose" in found[KILLED].limits[0]
    sample.plant("concurrent_syncs_insert_twice")
    sample.partner("faults", {"busy": None})
    with sample.owner() as connection:
        connection.execute(
            "create unique index partial on partner_center_referrals (referral_id) where status = 'None'"
        )
    assert (verdict := audited(sample, [AT_ONCE], file)[0][AT_ONCE]).status is Status.INCONCLUSIVE, told(verdict)
    assert (verdict := audited(sample, [AT_ONCE])[0][AT_ONCE]).status is Status.FAIL, told(verdict)


def test_two_at_once_that_both_failed_prove_nothing(sample: Any) -> None:
    sample.refuse(503)
    verdict = audited(sample, [AT_ONCE])[0][AT_ONCE]
    assert verdict.status is Status.INCONCLUSIVE and "both of the two failed" in told(verdict)


def test_a_flag_that_was_found_off_is_left_off_and_not_known_to_be_seen_on(sample: Any) -> None:
    sample.enable(False)
    found = audited(sample, OF_THE_FLAG)[0]
    seen = found.pop("flag_is_seen_by_every_process")
    assert seen.status is Status.INCONCLUSIVE and "the flag was found off" in told(seen)
    assert [told(one) for one in found.values() if one.status is not Status.PASS] == []
    assert sample.platform("status")["enabled"] is False


def test_a_skip_that_the_log_tells_alone_is_told(sample: Any) -> None:
    with sample.owner() as connection:
        connection.execute(VANISHING)
    assert (verdict := audited(sample, OF_THE_FLAG[2:3])[0][OF_THE_FLAG[2]]).status is Status.PASS, told(verdict)
    silent = edited(sample, ("skipped: [sync_skipped]", "skipped: [another_word]"))
    verdict = audited(sample, OF_THE_FLAG[2:3], silent)[0][OF_THE_FLAG[2]]
    assert verdict.status is Status.FAIL and "nothing says that it was skipped" in told(verdict)


def test_where_nobody_works_the_schedule_is_not_accused(sample: Any) -> None:
    hurried = edited(sample, ("seconds: 6,", "seconds: 0.2, cycles: 20,"))
    name = "sync_fires_by_itself"
    assert audited(sample, [name], hurried)[0][name].status is Status.FAIL
    with away(sample.environment, "REFERRALS_BROKER") as environment:
        verdict = audited(sample, [name], hurried, environment)[0][name]
    assert verdict.status is Status.INCONCLUSIVE and "the broker does not answer" in told(verdict)
