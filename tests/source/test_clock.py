"""The offset of a clock is an interval that holds the true one, whatever the network and whole seconds do to it."""

from __future__ import annotations

import math
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from dsaudit.clock import Clock, Offset
from dsaudit.database.bindings import bindings
from dsaudit.parameters import load
from dsaudit.source.pacing import told_time
from dsaudit.source.recording import SOURCE_TO_US, Recording
from dsaudit.source.rest import DATE_RESOLUTION

SECONDS = some.floats(0, 3, allow_nan=False)
AHEAD = some.floats(-7200, 7200, allow_nan=False)


@given(AHEAD, some.lists(some.tuples(SECONDS, SECONDS, some.floats(0, 60), some.floats(0, 0.999)), min_size=1))
def test_the_true_offset_is_within_the_interval(ahead: float, looks: list[tuple[float, float, float, float]]) -> None:
    clock = Clock()
    for there, back, wait, stale in looks:
        before = 1_800_000_000 + wait
        told = math.floor(before + there + ahead - stale)  # the text may be one of the second before
        clock.note(told, before, before + there + back, DATE_RESOLUTION)
    offset = clock.offset
    assert offset and offset.low - 1e-6 <= ahead <= offset.high + 1e-6


def test_several_answers_narrow_it() -> None:
    one, many = Clock(), Clock()
    one.note(1000, 1000.4, 1000.5, 2)
    for tenth in range(0, 40, 3):
        now = 1000 + tenth / 10
        many.note(math.floor(now), now, now + 0.01, 2)
    assert one.offset == pytest.approx((-0.5, 1.6))
    assert many.offset == pytest.approx((-0.01, 1.1))


def test_clocks_that_contradict_each_other_widen_it() -> None:
    clock = Clock()
    for told in (1000, 1060):
        clock.note(told, 1000, 1000.1, 2)
    assert clock.offset == pytest.approx((-0.1, 62))


def test_nothing_told_is_nothing_known() -> None:
    assert Clock().offset is None


@pytest.mark.parametrize(
    ("offset", "least"),
    [((-1, 2), 0), ((3, 4), 3), ((-4, -3), 3), ((0, 0), 0)],
    ids=["both", "ahead", "behind", "same"],
)
def test_the_least_that_clocks_differ_by(offset: tuple[float, float], least: float) -> None:
    assert Offset(*offset).least == least


def test_an_answer_out_of_a_cache_tells_no_time() -> None:
    date = formatdate(1_800_000_000, usegmt=True)
    assert told_time({"date": date}) == told_time({"date": date, "age": "0"}) == 1_800_000_000
    assert told_time({"date": date, "age": "30"}) is None
    assert told_time({"date": "yesterday"}) is told_time({}) is None


def test_accounts_on_one_host_have_one_clock_and_others_their_own(
    read: Callable[..., Recording], provider: object
) -> None:
    recording = read()
    recording.index = {
        "offset": [0.5, 0.6],
        "tenants": {
            "a": {"host": "x", "offset": [-1, 1]},
            "b": {"host": "x", "offset": [0, 2]},
            "c": {"host": "y", "offset": [2, 3]},
            "d": {"host": "z", "offset": None},
        },
    }
    assert recording.offsets == {
        SOURCE_TO_US: pytest.approx((-0.6, 2.5)),
        "source, here": (0, 3),
        "database, here": (0.5, 0.6),
    }


BOUNDS: list[tuple[Offset | None, str, tuple[float, float]]] = [
    (None, "", (-1, 1)),
    (None, "clock_error_seconds: 0.1", (-0.1, 0.1)),
    (Offset(-0.5, 1.5), "", (-1.5, 2.5)),  # the application's clock may be a second apart from the database's
    (Offset(0, 1), "clock_error_seconds: 0.1", (-0.1, 0.1)),
    (Offset(2, 3), "clock_error_seconds: 2.5", (-0.5, 2.5)),
    (Offset(2, 3), "clock_error_seconds: 0.1", (-0.1, 3.1)),  # one of the two is wrong
    (Offset(-3, -2), "clock_error_seconds: 0.1", (-3.1, 0.1)),
    (Offset(2, 3), "clock_error_seconds: 0", (0, 3)),
]


@pytest.mark.parametrize(("measured", "policy", "bounds"), BOUNDS)
def test_what_was_measured_stands_in_the_place_of_a_guess(
    measured: Offset | None, policy: str, bounds: tuple[float, float], tmp_path: Path
) -> None:
    path = tmp_path / "a.yml"
    path.write_text(f"integration: a\ndatabase: {{url_env: A}}\npolicy: {{{policy}}}\n", encoding="utf-8")
    bound = bindings(load(str(path)), "2026-01-01", measured)
    assert (bound["clock_low"], bound["clock_high"]) == pytest.approx(bounds)
