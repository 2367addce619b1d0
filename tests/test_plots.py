"""Plots draw what they are given, the odd included, and leave no trace in the global style."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import matplotlib as mpl
import pandas as pd
import pytest

mpl.use("agg")

from matplotlib import pyplot as plt  # the backend comes first
from matplotlib.axes import Axes

from dsaudit import plots

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    plt.close("all")


def frame(*rows: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), dtype=object)


def hops(*seconds: float, resource: str = "order") -> pd.DataFrame:
    return frame(*({"resource": resource, "together": one, "limit_seconds": 5.0} for one in seconds))


def waiting(*seconds: float) -> pd.DataFrame:
    return frame(*({"resource": "order", "seconds_waiting": one, "limit_seconds": 300.0} for one in seconds))


def ingest(*minutes: int) -> pd.DataFrame:
    lines = ({"via": f"way {one % 2} $x$", "time": NOW - timedelta(minutes=one), "records": one + 1} for one in minutes)
    return frame(*({**line, "seconds": 60.0, "until": NOW.isoformat()} for line in lines))


def records(*missing: bool, dated: bool = True) -> pd.DataFrame:
    changed = [NOW - timedelta(days=place) if dated else None for place in range(len(missing))]
    rows = zip(missing, changed, strict=True)
    return frame(*({"resource": "order", "place": 0.0, "changed_at": when, "missing": one} for one, when in rows))


def differing(*counts: int) -> pd.DataFrame:
    return frame(
        *(
            {
                "tenant": "acme",
                "resource": "order",
                "field": f"f{one // 2}",
                "kind": one,
                "records": one,
                "compared": 100,
            }
            for one in counts
        ),
    )


def versions(*numbers: int) -> pd.DataFrame:
    return frame(*({"tenant": "acme", "resource": "order", "versions": one, "objects": 10_000} for one in numbers))


def differing_by_cause(**records: int) -> pd.DataFrame:
    lines = (
        {"group": "not sent", "cause": cause, "class": kind, "resource": name, "records": count}
        for (cause, count), kind in zip(records.items(), ["loss", "expected", "unexplained"] * 99, strict=False)
        for name in ("order", "customer")
    )
    return frame(*lines)


def happened(*seconds: float | None, state: str = "good") -> pd.DataFrame:
    sides = ("source", "delivery", "sync", "raw", "refinement", "refined")
    lines = (
        {"number": number, "at": None if one is None else NOW + timedelta(seconds=one), "side": sides[number % 6],
         "state": state, "version": f"v{number // 3}" if number % 4 else None}
        for number, one in enumerate(seconds, 1)
    )  # fmt: skip
    return frame(*lines)


CASES: list[tuple[Callable[..., Axes], pd.DataFrame]] = [
    (plots.latency, hops(0.2)),
    (plots.latency, hops(-3, 0, 0.001, 4, 1e7)),
    (plots.latency, pd.concat([hops(1, 2), hops(*[0.5] * 5000, resource="a_$long$_name_of_a_resource")])),
    (plots.backlog, waiting(1)),
    (plots.backlog, waiting(0, 1e9)),
    (plots.ingest, ingest(1)),
    (plots.ingest, ingest(1, 2, 500, 90_000)),
    (plots.missing, records(False, False)),
    (plots.missing, records(True)),
    (plots.missing, records(True, False, True)),
    (plots.missing, records(*([True, False] * 3000))),
    (plots.missing, records(True, dated=False)),
    *((plots.ingest, ingest(1, 2 * 5**power)) for power in range(11)),
    (plots.differences, differing(1)),
    (plots.differences, differing(*range(1, 90))),
    (plots.causes, differing_by_cause(UNDELIVERED=1)),
    (plots.causes, differing_by_cause(**{f"CAUSE_{place}": place for place in range(1, 60)})),
    (plots.timeline, happened(0)),
    (plots.timeline, happened(None)),
    (plots.timeline, happened(0, 0.2, None, state="bad")),
    (plots.timeline, happened(*(0.03 * one for one in range(30)))),
    (plots.timeline, happened(*(5.0**one for one in range(12)), None, state="plain")),
    (plots.versions, versions(1)),
    (plots.versions, versions(1, 2, 40)),
]


@pytest.mark.parametrize(("plot", "given"), CASES)
def test_draws_it(plot: Callable[..., Axes], given: pd.DataFrame) -> None:
    before = dict(mpl.rcParams)
    axes = plot(given)
    assert width_as_in_a_notebook(axes) == 900
    assert dict(mpl.rcParams) == before
    assert axes.get_legend() is None


@pytest.mark.parametrize("plot", list(dict.fromkeys(plot for plot, _ in CASES)))
def test_says_that_there_is_nothing_to_show(plot: Callable[..., Axes]) -> None:
    axes = plot(pd.DataFrame())
    assert [text.get_text() for text in axes.texts] == ["nothing to show"]
    assert axes.get_title(loc="left")


def test_the_plot_of_causes_says_that_nothing_differs_where_all_was_compared() -> None:
    none = pd.DataFrame(columns=["group", "cause", "class", "resource", "records"])
    assert words(plots.causes(none)) == {"no record differs from the source"}
    assert {"2", "4 (no fault)"} <= words(plots.causes(differing_by_cause(UNDELIVERED=1, IN_FLIGHT=2)))


def test_the_limit_is_drawn_and_named() -> None:
    assert "limit 5 s" in words(plots.latency(hops(1, 2)))
    assert "limit 5 min" in words(plots.backlog(waiting(1)))


def test_figures_are_told_beside_the_lines() -> None:
    assert "median 1.5 s, p95 1.95 s, n 2" in words(plots.latency(hops(1, 2)))
    assert "2 of 3 missing" in words(plots.missing(records(True, False, True)))
    assert "none of 2 records is missing" in words(plots.missing(records(False, False), "id"))
    assert "5 of 100" in words(plots.differences(differing(2, 3)))
    assert any("longest gap 9 min" in one for one in words(plots.ingest(ingest(10))))


def test_the_story_names_its_silences_and_the_sides_that_have_nothing() -> None:
    told = words(plots.timeline(happened(0, 0.1, 7200)))
    assert {"1", "2", "3", "2 h", "nothing"} <= told
    assert "not yet" in words(plots.timeline(happened(0, None)))


def words(axes: Axes) -> set[str]:
    return {text.get_text().strip() for text in axes.texts}


def width_as_in_a_notebook(axes: Axes) -> int:
    """Return the width of the picture that a notebook shows: cut down to what is drawn."""
    assert axes.figure is not None
    picture = io.BytesIO()
    axes.figure.savefig(picture, dpi=axes.figure.dpi, bbox_inches="tight")  # type: ignore[union-attr]
    width: int = struct.unpack(">I", picture.getvalue()[16:20])[0]
    return width
