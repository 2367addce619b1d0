"""What the schedule did, by the history: starts held against the times at which they were due."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from dsaudit.background import firing
from dsaudit.background.crontab import CrontabError, clock_changes, firings, instants, parsed
from dsaudit.verdict import Status
from tests.background.referrals import SECONDS, Referrals
from tests.checks.auditing import told

pytestmark = pytest.mark.xdist_group("referrals")
CHECK, CLOCKS = "sync_fires_on_schedule", "schedule_survives_clock_changes"
ZERO = datetime(2026, 3, 1, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


def after(*seconds: float) -> list[datetime]:
    return [ZERO + timedelta(seconds=one) for one in seconds]


def judged(
    seconds: Sequence[float], spans: Sequence[tuple[float, float]] = (), until: float | None = None
) -> list[tuple[str, float, float | None]]:
    """Hold starts against an interval of ten seconds."""
    starts = after(*sorted(seconds))
    busy = firing.Busy([(after(begin)[0], after(end)[0]) for begin, end in spans])
    end = after(max(seconds) + 5 if until is None else until)[0]
    found = firing.by_interval(starts, busy, timedelta(seconds=10), 0.2, end)
    return [(one.kind, (one.begin - ZERO).total_seconds(), one.missed or one.seconds) for one in found]


@pytest.mark.parametrize(
    ("seconds", "spans"),
    [
        (range(0, 300, 10), ()),
        ([10.05 * place for place in range(300)], ()),  # the scheduler's own time creeps on
        ([10 * place + random.Random(place).uniform(-1, 1) for place in range(300)], ()),
        ([0, 10, 20, 34, 40, 50, 60], ()),  # one was taken late
        ([0, 10, 43, 44, 45, 50, 60], [(10, 43), (43, 44)]),  # what was due during a long run followed it
        ([0, 10, 50, 60, 70], [(10, 43)]),  # or was left out, as nothing is queued twice
        ([0, 10, 37, 38, 40, 50], ()),  # the worker was away, and caught up
        ([0, 10, 24, 34, 44], ()),  # the scheduler was begun anew
        ([0, 4, 14, 24, 34], ()),  # the first waited for the worker to begin
        ([0, 1, 2, 5, 15, 25], [(0, 1), (1, 2), (2, 3), (5, 6)]),  # so did several
    ],
)
def test_starts_that_are_on_the_grid_or_had_a_reason_pass(
    seconds: Sequence[float], spans: Sequence[tuple[float, float]]
) -> None:
    assert judged(seconds, spans) == []


@pytest.mark.parametrize(
    ("seconds", "found"),
    [
        ([0, 10, 20, 60, 70], [("gap", 20, 3)]),
        ([0, 10, 20, 43, 53, 63], [("gap", 20, 1)]),
        ([0, 10, 37, 38, 48, 58], [("gap", 10, 1)]),  # of two that were due, one was caught up
        ([0, 10, 14, 20, 30], [("double", 10, 4)]),
        ([0, 4, 10, 20, 30], [("double", 0, 4)]),
        ([0, 10, 10.1, 20, 20.1, 30], [("double", 10, 0.1), ("double", 20, 0.1)]),
        ([0, 5, 10, 15, 20, 25], [("double", 0, 5), ("double", 10, 5), ("double", 20, 5)]),
    ],
)
def test_gaps_and_doubles_are_told(seconds: Sequence[float], found: list[tuple[str, float, float]]) -> None:
    assert [(kind, begin, pytest.approx(count)) for kind, begin, count in found] == judged(seconds)


def test_two_schedulers_are_told_in_each_cycle_however_long_they_run() -> None:
    both = [10.03 * place for place in range(200)] + [10.03 * place + 3 for place in range(200)]
    assert {kind for kind, *_ in judged(both)} == {"double"} and len(judged(both)) == 200


def test_silence_at_the_end_is_a_gap_that_goes_on() -> None:
    assert judged([0, 10, 20], until=38) == []  # one may be waiting
    assert judged([0, 10, 20], until=61) == [("gap", 20, 3)]
    assert judged([0, 10, 20], [(20, 70)], until=61) == []


@pytest.mark.parametrize(
    ("seconds", "drift"),
    [
        (range(0, 300, 10), None),
        (range(0, 300, 30), 30),
        (range(0, 30, 3), 3),
        (range(0, 300, 5), None),  # told as doubles
        ([0, 10, 50, 60, 100, 110], None),  # no rhythm at all
    ],
)
def test_a_rhythm_of_its_own_is_told_as_one(seconds: Sequence[float], drift: float | None) -> None:
    found = firing.drift(after(*seconds), timedelta(seconds=10), 0.2)
    assert (found and found.seconds) == drift


# Crontabs


@pytest.mark.parametrize(
    ("text", "field", "numbers"),
    [
        ("*/20 * * * *", "minutes", {0, 20, 40}),
        ("5-9/2,30 * * * *", "minutes", {5, 7, 9, 30}),
        ("0 22-1 * * *", "hours", {22, 23, 0, 1}),
        ("0 0 * * fri-mon", "weekdays", {5, 6, 0, 1}),
        ("0 0 * * 7", "weekdays", {0}),
        ("0 0 1 feb,March *", "months", {2, 3}),
    ],
)
def test_a_crontab_is_read(text: str, field: str, numbers: set[int]) -> None:
    assert getattr(parsed(text), field) == numbers


@pytest.mark.parametrize("text", ["* * * *", "60 * * * *", "x * * * *", "*/0 * * * *", "0 0 32 * *", "0 0 * foo *"])
def test_what_is_no_crontab_is_refused(text: str) -> None:
    with pytest.raises(CrontabError):
        parsed(text)


def test_a_time_by_the_clock_comes_once_twice_or_never() -> None:
    assert len(instants(datetime(2027, 3, 28, 2, 30), BERLIN)) == 0
    assert len(instants(datetime(2027, 10, 31, 2, 30), BERLIN)) == 2
    assert instants(datetime(2027, 7, 1, 2, 30), BERLIN) == [datetime(2027, 7, 1, 0, 30, tzinfo=UTC)]


@pytest.mark.parametrize(
    ("text", "zone", "found"),
    [
        ("30 2 * * *", "Europe/Berlin", [("2027-03-28 02:30", "left out"), ("2027-10-31 02:30", "comes twice")]),
        ("0 */2 * * *", "Europe/Berlin", [("2027-03-28 02:00", "left out"), ("2027-10-31 02:00", "comes twice")]),
        ("0 0 * * *", "America/Santiago", [("2027-09-05 00:00", "left out")]),
        ("45 1 * * *", "Australia/Lord_Howe", [("2027-04-04 01:45", "comes twice")]),
        ("30 2 * * *", "UTC", []),
        ("0 4 * * *", "Europe/Berlin", []),
        ("*/10 * * * *", "Europe/Berlin", []),  # ten minutes lie between, whatever the clock shows
        ("30 * * * *", "Europe/Berlin", []),
        ("30 2 * * wed", "Europe/Berlin", []),
    ],
)
def test_what_a_change_of_the_clocks_does(text: str, zone: str, found: list[tuple[str, str]]) -> None:
    changes = clock_changes(parsed(text), ZoneInfo(zone), datetime(2026, 11, 27, tzinfo=UTC), 400)
    assert [(f"{one.at:%Y-%m-%d %H:%M}", one.what) for one in changes] == found


def by_crontab(text: str, walls: Sequence[str]) -> list[tuple[str, int | None]]:
    starts = [datetime.fromisoformat(wall).astimezone(UTC) for wall in walls]
    until = starts[-1] + timedelta(minutes=1)
    times = firings(parsed(text), BERLIN, starts[0] - timedelta(minutes=1), until)
    return [(one.kind, one.missed) for one in firing.by_times(starts, firing.Busy([]), times, 0.2, until)]


@pytest.mark.parametrize(
    ("walls", "found"),
    [
        # As Celery does: an hour later in the one night, and once in the other.
        (["2027-03-27 02:30+01:00", "2027-03-28 03:30+02:00", "2027-03-29 02:30+02:00"], []),
        (["2027-03-27 02:30+01:00", "2027-03-29 02:30+02:00"], []),
        (["2027-10-30 02:30+02:00", "2027-10-31 02:30+02:00", "2027-11-01 02:30+01:00"], []),
        (["2027-10-30 02:30+02:00", "2027-10-31 02:30+02:00", "2027-10-31 02:30+01:00", "2027-11-01 02:30+01:00"], []),
        (["2027-06-01 02:30+02:00", "2027-06-04 02:30+02:00"], [("gap", 2)]),
        (["2027-06-01 02:30+02:00", "2027-06-02 02:30+02:00", "2027-06-02 02:31+02:00"], [("double", None)]),
        # The worker was away for a night, and both came in the morning.
        (["2027-06-01 02:30+02:00", "2027-06-03 02:30+02:00", "2027-06-03 02:31+02:00"], []),
        (["2027-06-01 02:30+02:00", "2027-06-02 07:00+02:00", "2027-06-03 02:29:59+02:00"], []),
    ],
)
def test_starts_are_held_against_the_times_of_a_crontab(walls: list[str], found: list[tuple[str, int | None]]) -> None:
    assert by_crontab("30 2 * * *", walls) == found


# The checks


@pytest.mark.parametrize("name", [CHECK, CLOCKS])
def test_passes_on_an_odd_and_clean_history(name: str, clean: Referrals) -> None:
    verdict, _ = clean.check(name)
    assert verdict.status is Status.PASS, told(verdict)


def test_proves_nothing_without_two_starts(new: Callable[..., Referrals]) -> None:
    system = new(empty=True)
    system.run(300, trigger="api")
    system.run(60)
    verdict, _ = system.check(CHECK)
    assert verdict.status is Status.INCONCLUSIVE, told(verdict)
    assert "the schedule began 1 run in 7 days" in told(verdict)


def history(system: Referrals, seconds: float, *others: float) -> None:
    for place in range(12):
        system.run(60 + place * seconds)
    for ago in others:
        system.run(ago)


@pytest.mark.parametrize(
    ("seconds", "others", "kinds"),
    [
        (SECONDS, [60.0 + 2 * SECONDS - 30], [("double", None, 30.0)]),
        (SECONDS, [60.0 + 15 * SECONDS], [("gap", 3, None)]),
        (3 * SECONDS, [], [("drift", None, 1800.0)]),
    ],
)
def test_fails_and_names_the_time(
    seconds: float, others: list[float], kinds: list[tuple[str, int | None, float | None]],
    new: Callable[..., Referrals],
) -> None:  # fmt: skip
    system = new(empty=True)
    history(system, seconds, *others)
    verdict, rows = system.check(CHECK)
    assert verdict.status is Status.FAIL, told(verdict)
    assert [(row["kind"], row["missed"], row["seconds"]) for row in rows] == kinds
    if kinds[0][0] != "drift":
        assert datetime.fromisoformat(rows[0]["from"]) == system.ago(
            60 + (2 if kinds[0][0] == "double" else 15) * SECONDS
        )


def test_a_history_without_triggers_counts_all_runs_and_says_so(new: Callable[..., Referrals]) -> None:
    system = new(empty=True)
    system.edit("trigger: trigger, ", "")
    history(system, SECONDS)
    verdict, _ = system.check(CHECK)
    assert verdict.status is Status.PASS and "does not tell what began a run" in "; ".join(verdict.limits), told(
        verdict
    )


def test_a_run_between_the_times_may_be_one_by_hand_where_the_history_has_no_triggers(
    new: Callable[..., Referrals],
) -> None:
    system = new(empty=True)
    system.edit("trigger: trigger, ", "")
    history(system, SECONDS, 60 + 2.5 * SECONDS)
    verdict, _ = system.check(CHECK)
    assert verdict.status is Status.INCONCLUSIVE, told(verdict)
    assert "1 run came between the times of the schedule" in told(verdict)
    system.run(60 + 20 * SECONDS)
    verdict, rows = system.check(CHECK)
    assert verdict.status is Status.FAIL and [row["kind"] for row in rows] == ["gap"], told(verdict)


def test_a_nightly_crontab_is_held_against_the_clocks(new: Callable[..., Referrals]) -> None:
    system = new(empty=True)
    system.edit("seconds: 600", "crontab: '30 2 * * *', zone: Europe/Berlin")
    verdict, rows = system.check(CLOCKS)
    assert verdict.status is Status.FAIL and {row["what"] for row in rows} == {"left out", "comes twice"}, told(verdict)
    assert {row["kind"] for row in rows} == {"clock_change"}


def test_a_crontab_is_judged_by_the_history(new: Callable[..., Referrals]) -> None:
    system = new(empty=True)
    system.edit("seconds: 600", "crontab: '*/10 * * * *'")
    first = int((system.now - system.now.replace(minute=system.now.minute // 10 * 10, second=0)).total_seconds())
    for place in range(12):
        system.run(first + place * SECONDS - 2)
    verdict, _ = system.check(CHECK)
    assert verdict.status is Status.PASS and verdict.examined == 12, told(verdict)
    system.run(first + 16 * SECONDS)
    verdict, rows = system.check(CHECK)
    assert [(row["kind"], row["missed"]) for row in rows] == [("gap", 4)], told(verdict)
