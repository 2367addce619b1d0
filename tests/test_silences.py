"""A silence is told by the changes that it missed: rest, nights and bursts are none, an hour without deliveries is."""

from __future__ import annotations

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dsaudit.facts.changes import ALL, CHANCE, Silence, _silent
from dsaudit.functions.silence import LEAST

START = pd.Timestamp("2026-03-28T00:00Z")  # the clocks of half of Europe change in the second night
AUDIT: Any = SimpleNamespace(
    instant=(START + pd.Timedelta(days=7)).isoformat(),
    parameters=SimpleNamespace(policy=SimpleNamespace(latency_seconds=5)),
)
HOUR = 3600


def by_day(days: int = 7, each: int = 30, seed: int = 1) -> list[int]:
    """Seconds of changes on working hours alone, in bursts, as people make them."""
    rng = np.random.default_rng(seed)
    bursts = [
        day * 24 * HOUR + int(rng.integers(8 * HOUR, 18 * HOUR)) for day in range(days) if day % 7 < 5
        for _ in range(each)
    ]  # fmt: skip
    return sorted({second + step for second in bursts for step in range(int(rng.integers(1, 6)))})


def found(seconds: Iterable[int], untold: Iterable[int], heard: Iterable[int] | None = None) -> list[Silence]:
    """Judge changes at these seconds, of which some were not told; what was told arrived a second later."""
    changed, missed = list(seconds), set(untold)
    times = pd.to_datetime([START + pd.Timedelta(seconds=one) for one in changed])
    told = [one not in missed for one in changed]
    part = pd.DataFrame({"resource": "order", "changed_at": times, "told": told})
    arrived = [one + 1 for one in changed if one not in missed] if heard is None else list(heard)
    arrivals = pd.Series(pd.to_datetime([START + pd.Timedelta(seconds=one) for one in arrived], utc=True))
    return list(_silent(AUDIT, "acme", ALL, part, arrivals))


@pytest.mark.parametrize("seed", range(5))
def test_nights_weekends_and_bursts_are_no_silence(seed: int) -> None:
    assert found(by_day(seed=seed), []) == []


@pytest.mark.parametrize("seed", range(5))
def test_single_changes_that_were_lost_here_and_there_are_no_silence(seed: int) -> None:
    seconds = by_day(seed=seed)
    lost = np.random.default_rng(seed).choice(seconds, len(seconds) // 20, replace=False)
    assert found(seconds, lost.tolist()) == []


def test_what_no_topic_tells_at_any_time_is_no_silence() -> None:
    seconds = by_day()
    assert found(seconds, [one for one in seconds if one % 3]) == []


def test_an_hour_without_deliveries_in_a_steady_stream_is_one() -> None:
    seconds = list(range(0, 12 * HOUR, 300))
    lost = [one for one in seconds if 5 * HOUR < one <= 6 * HOUR]
    (one,) = found(seconds, lost)
    assert (one.tenant, one.resource, len(one.changes)) == ("acme", ALL, 12)
    assert one.begin == START + pd.Timedelta(seconds=5 * HOUR + 1)
    assert one.end == START + pd.Timedelta(seconds=6 * HOUR + 301)
    assert one.odds < CHANCE


def test_a_silence_that_has_not_ended_ends_with_the_audit() -> None:
    seconds = list(range(0, 12 * HOUR, 300))
    (one,) = found(seconds, [one for one in seconds if one > 11 * HOUR])
    assert one.end == pd.Timestamp(AUDIT.instant)


def test_so_few_seconds_with_changes_can_prove_no_silence() -> None:
    def can_be_told(seconds: int) -> bool:
        return any(found(range(seconds), range(seconds - missed, seconds)) for missed in range(1, seconds + 1))

    assert [can_be_told(seconds) for seconds in (LEAST - 1, LEAST)] == [False, True]


def test_an_hour_in_which_nothing_changed_is_none() -> None:
    assert found([one for one in range(0, 12 * HOUR, 300) if not 5 * HOUR < one <= 6 * HOUR], []) == []


def test_where_something_arrived_meanwhile_it_was_not_silent() -> None:
    seconds = list(range(0, 12 * HOUR, 300))
    lost = [one for one in seconds if 5 * HOUR < one <= 6 * HOUR]
    assert found(seconds, lost, heard=[*seconds[:50], 5 * HOUR + 1800]) == []


def test_many_changes_of_one_second_are_one_moment() -> None:
    seconds = list(range(0, 12 * HOUR, 300))
    assert found([*seconds, *[7 * HOUR + 1] * 500], [7 * HOUR + 1]) == []
