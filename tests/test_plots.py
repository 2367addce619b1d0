"""Plots draw what they are given, the odd included, and leave no trace in the global style."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import matplotlib as mpl
import pandas as pd
import pytest

mpl.use("agg")

from matplotlib import pyplot as plt  # the backend comes first
from matplotlib.axes import Axes

from dsaudit import canvas, plots

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


def over_time(*seconds: float, resources: int = 1) -> pd.DataFrame:
    lines = (
        {"resource": f"resource_{one}_$x$", "time": NOW + timedelta(hours=hour), "changes": 7, "median": given / 2,
         "p95": given + one, "seconds": 3600.0, "limit_seconds": 5.0}
        for one in range(resources) for hour, given in enumerate(seconds)
    )  # fmt: skip
    return frame(*lines)


def webhooks(*minutes: int) -> pd.DataFrame:
    return ingest(*minutes).rename(columns={"via": "tenant"})


def logged(*minutes: int) -> pd.DataFrame:
    lines = ingest(*minutes).rename(columns={"via": "level", "records": "lines"})
    return lines.assign(is_error=lines["level"].str.startswith("way 1"))


SILENT = frame(
    {"tenant": "way 0 $x$", "resource": "all", "silent_from": NOW - timedelta(hours=3), "silent_to": NOW},
    {"tenant": "way 0 $x$", "resource": "order", "silent_from": NOW - timedelta(hours=9), "silent_to": NOW},
)


def with_silences(given: pd.DataFrame) -> Axes:
    return plots.webhooks(given, SILENT)


def without_silences(given: pd.DataFrame) -> Axes:
    return plots.webhooks(given, SILENT[:0])


def differing(ranks: Iterable[int], ranked: int = 400, what: str = "missing in refined", **more: Any) -> pd.DataFrame:
    """Lines of differences, an hour between two ranks."""
    given = {"tenant": "acme", "resource": "order", "field": "total_$x$", "cause": "UNDELIVERED", "group": "not sent"}
    lines = [
        {**given, "source_id": str(rank), "what": what, "class": "loss", "rank": rank, "ranks": ranked,
         "examined": ranked, "leads": True, "changed_at": NOW + timedelta(hours=rank), "updated_at": None, **more}
        for rank in ranks
    ]  # fmt: skip
    made = pd.DataFrame(lines).astype({"rank": "Int64", "ranks": "Int64", "examined": "Int64"})
    return made.assign(**{name: pd.to_datetime(made[name], utc=True) for name in ("changed_at", "updated_at")})


def together(*frames: pd.DataFrame) -> pd.DataFrame:
    return pd.concat(frames, ignore_index=True)


def steps(*seconds: float | None) -> pd.DataFrame:
    names = ("changed", "webhook", "raw", "refined", "row")
    lines = [
        {"action": action, "step": name, "still": False, "seconds": one, "waited_seconds": 15.0, "limit_seconds": 5.0,
         "failed": one is None or one > 5}
        for action in ("create", "update twice")
        for name, one in zip(names, seconds, strict=False)
    ]  # fmt: skip
    return frame(*lines)


def versions(*numbers: int) -> pd.DataFrame:
    return frame(*({"tenant": "acme", "resource": "order", "versions": one, "objects": 10_000} for one in numbers))


def happened(*seconds: float | None, state: str = "good") -> pd.DataFrame:
    sides = ("source", "delivery", "sync", "raw", "refinement", "refined")
    lines = (
        {"number": number, "at": None if one is None else NOW + timedelta(seconds=one), "side": sides[number % 6],
         "state": state, "version": f"v{number // 3}" if number % 4 else None}
        for number, one in enumerate(seconds, 1)
    )  # fmt: skip
    return frame(*lines)


BY_PLACE = [plots.differences_by_time, plots.differences_by_id, plots.differences_by_time_and_id]
EVERY_WAY = ["missing in raw", "missing in refined", "old in raw", "field", "extra"]
PLACED = [
    differing([3]),
    differing([3], changed_at=None),
    differing([3], ranked=0, what="extra", rank=None),
    differing(range(100, 151)),
    together(*(differing([7, 7, 8], what=what, tenant=tenant) for what in EVERY_WAY for tenant in ("a$b$c", "south"))),
    together(*(differing([7], resource=f"resource_{one}") for one in range(50))),
    differing(range(0, 30_000, 3), ranked=10_000_000),
]
CASES: list[tuple[Callable[..., Axes], pd.DataFrame]] = [
    (plots.log, logged(5)),
    (plots.log, logged(*range(0, 500, 3), 9000)),
    (plots.timeline, together(happened(0, 1, 2, 3), happened(4, 5).assign(side="log", state="bad", number=[5, 6]))),
    (plots.live_times, steps(0.001, 0.3, 0.3, 0.4, 0.4)),
    (plots.live_times, steps(0.02)),
    (plots.live_times, steps(0.02, None, None, 6, 14.9)),
    (plots.latency, hops(0.2)),
    (plots.latency, hops(-3, 0, 0.001, 4, 1e7)),
    (plots.latency, pd.concat([hops(1, 2), hops(*[0.5] * 5000, resource="a_$long$_name_of_a_resource")])),
    (plots.backlog, waiting(1)),
    (plots.backlog, waiting(0, 1e9)),
    (plots.ingest, ingest(1)),
    (plots.ingest, ingest(1, 2, 500, 90_000)),
    (plots.ingest, ingest(1, 2, 500).assign(via=None)),  # of a table that does not tell the way
    *((plots.ingest, ingest(1, 2 * 5**power)) for power in range(11)),
    (plots.latency_over_time, over_time(0.2)),
    (plots.latency_over_time, over_time(-3, 0, 0.001, 1e7)),
    (plots.latency_over_time, over_time(*(0.1 * hour for hour in range(100)), resources=30)),
    (with_silences, webhooks(1, 2, 500, 90_000)),
    (without_silences, webhooks(1)),
    *((plots.differences_by_time_and_id, given) for given in PLACED),
    (plots.differences_by_time, PLACED[0]),
    (plots.differences_by_id, PLACED[0]),
    (plots.differences_by_field, differing([1], what="field")),
    (plots.differences_by_field, together(*(differing([1], what="field", field=f"f{one}") for one in range(90)))),
    (plots.differences_by_cause, differing([1])),
    (plots.differences_by_cause, together(*(differing([1], cause=f"CAUSE_{one}") for one in range(60)))),
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
    assert "nothing" not in sentence(axes)


def sentence(axes: Axes) -> str:
    """Return what stands for the picture where it is not seen."""
    said = axes.get_figure(root=True)._repr_mimebundle_()[1]["image/png"]["alt"]  # type: ignore[union-attr]
    assert said.startswith(f"{axes.get_title(loc='left')}: ") and said.endswith(".")
    return str(said)


COVERED = frame(
    {"resource": "order", "way": "raw", "state": "covered", "told": "5"},
    {"resource": "order", "way": "webhooks", "state": "gap", "told": ""},
    {"resource": "payout", "way": "raw", "state": "gap", "told": ""},
    {"resource": "payout", "way": "webhooks", "state": "unknown", "told": ""},
)


def known_of(topics: int, lost: str = "", resource: str = "order") -> pd.DataFrame:
    """So many topics of a resource, all of them known at every side but one that is not handled."""
    cells = (
        {"resource": resource, "topic": f"{resource}s/{one}", "side": side} for one in range(topics) for side in SIDES
    )
    return frame(*({**one, **(GAP if (one["topic"], one["side"]) == (lost, "handled") else WHOLE)} for one in cells))


SIDES = ("available", "wanted", "handled")
WHOLE, GAP = {"state": "covered", "told": "yes"}, {"state": "lost", "told": "1 of 2"}
ELSEWHERE = {"state": "elsewhere", "told": "1 of 2 elsewhere"}
SENTENCES: list[tuple[Callable[..., Axes], pd.DataFrame, str]] = [
    (plots.live_times, steps(0.02, 0.3), "all 4 steps were seen; the slowest is webhook of create, 300 ms"),
    (
        plots.live_times,
        steps(0.02, None, 6),
        "late, not seen in 15 s, or changed by a delivery sent again: create: webhook, raw; update twice: webhook, raw",
    ),
    (plots.latency, hops(1, 2), "the longest is order, median 1.5 s, p95 1.95 s; the limit is 5 s"),
    (plots.backlog, waiting(78_390), "the longest is order, median 21 h 46 min, p95 21 h 46 min; the limit is 5 min"),
    (plots.ingest, ingest(10, 1), "at most 11 in 1 min (way 0 $x$); the longest gap is 9 min (way 0 $x$)"),
    (
        plots.latency_over_time,
        over_time(1, 2, resources=2),
        "the longest 95th percentile is 3 s, of resource_1_$x$, the limit 5 s",
    ),
    (with_silences, webhooks(10, 1), "2 silences while the source changed, the first of way 0 $x$, 3 h"),
    (without_silences, webhooks(10, 1), "at most 11 in 1 min (way 0 $x$); the longest gap is 9 min (way 0 $x$)"),
    (plots.versions, versions(1, 40), "at most 40 of one object, of order"),
    (plots.coverage_matrix, COVERED, "2 gaps, the first at order, webhooks; 1 field not known"),
    (plots.coverage_matrix, COVERED[:1], "no gap"),
    (plots.topic_matrix, known_of(3, "orders/2"), "1 gap, the first at orders/2, handled"),
    (plots.topic_matrix, known_of(3).assign(**ELSEWHERE), "9 gaps, the first at orders/0, available"),
    (plots.differences_by_field, differing([1, 2], what="field"), "the most frequent is order.total_$x$, 2 of 400"),
    (plots.differences_by_cause, differing([1, 2]), "the most frequent is not sent: UNDELIVERED, 2"),
    (plots.differences_by_id, differing(range(51)), "the most are order, missing in refined, 51 of 400, 51 in a row"),
    (plots.differences_by_id, pd.DataFrame(), "nothing to show"),
    (plots.timeline, happened(0, 0.1, 7200), "3 events; the longest silence is 2 h"),
    (plots.timeline, happened(0, None, state="bad"), "2 events; wrong at 1, 2"),
]


@pytest.mark.parametrize(("plot", "given", "words"), SENTENCES)
def test_says_what_stands_out_to_those_who_do_not_see_it(
    plot: Callable[..., Axes], given: pd.DataFrame, words: str
) -> None:
    assert sentence(plot(given)).endswith(f": {words}.")


@pytest.mark.parametrize("plot", list(dict.fromkeys(plot for plot, _ in CASES)))
def test_says_that_there_is_nothing_to_show(plot: Callable[..., Axes]) -> None:
    axes = plot(pd.DataFrame())
    assert [text.get_text() for text in axes.texts] == ["nothing to show"]
    assert axes.get_title(loc="left")


DIFFERENCES = [plots.differences_by_field, plots.differences_by_cause, *BY_PLACE]


@pytest.mark.parametrize("plot", DIFFERENCES)
def test_where_all_was_compared_the_plots_say_that_nothing_differs(plot: Callable[..., Axes]) -> None:
    none = differing([1])[:0]
    what = "field" if plot is plots.differences_by_field else "record"
    assert words(plot(none)) == {f"no {what} differs from the source"}
    none.attrs["unread"] = ["acme, order"]
    (said,) = words(plot(none))
    told = "; not compared, as the source's list is not whole or our table is lost: acme, order"
    assert said.replace("\n", " ").endswith(told)


def test_what_has_no_cause_is_named_once() -> None:
    axes = plots.differences_by_cause(differing([1], cause="UNEXPLAINED", group="unexplained"))
    assert [label.get_text() for label in axes.get_yticklabels()] == ["unexplained"]


@pytest.mark.parametrize(
    ("minutes", "names"),
    [
        (2, {"11:58", "12:00"}),
        (600, {"03:00", "12:00"}),
        (3 * 1440, {"11-18", "11-20"}),
        (90 * 1440, {"2026-09", "2026-11"}),
    ],
)
def test_instants_are_named_as_people_write_them(minutes: int, names: set[str]) -> None:
    axes = plots.ingest(ingest(1, minutes))
    axes.get_figure(root=True).canvas.draw()  # type: ignore[union-attr]
    assert names <= set(ticks(axes)) and axes.get_xlabel() == "time (UTC)"


def test_what_is_no_fault_is_told_apart() -> None:
    late = differing([1, 2], cause="IN_FLIGHT", group="late", **{"class": "expected"})
    assert {"1", "2 (no fault)"} <= words(plots.differences_by_cause(together(differing([3]), late)))
    assert words(plots.differences_by_id(late)) == {"2 records differ without a fault"}
    assert words(plots.differences_by_id(together(differing([3]), late))) == {"1 of 400"}


def bars(axes: Axes) -> list[tuple[float, float, float]]:
    """Return left and right end and height of each bar that tells of a difference, in lanes from the top."""
    drawn = [bar for container in axes.containers for bar in container if bar.get_facecolor() != PALE]  # type: ignore[union-attr]
    return [(round(one.get_x(), 3), round(one.get_x() + one.get_width(), 3), abs(one.get_height())) for one in drawn]


PALE = mpl.colors.to_rgba(canvas.PALE)


def test_a_hole_among_the_ids_shows_as_one_block_and_single_losses_as_low_bars() -> None:
    axes = plots.differences_by_id(differing(range(100, 151), ranked=400))
    found = bars(axes)
    assert (found[0][0], found[-1][1]) == (0.25, 0.383)
    full = max(height for _, _, height in found)
    assert sum(height == full for _, _, height in found) == len(found) - 1  # its last bar holds an id that is there
    assert words(axes) == {"51 of 400\n51 in a row"}
    scattered = bars(plots.differences_by_id(differing(range(0, 400, 40), ranked=4_000_000)))
    assert all(height < full / 4 for _, _, height in scattered)


def test_of_few_ids_each_has_its_place() -> None:
    assert [(low, high) for low, high, _ in bars(plots.differences_by_id(differing([0, 4], ranked=5)))] == [
        (0, 0.2),
        (0.8, 1),
    ]


WIDTHS = [(0, "1 min"), (12, "10 min"), (100, "1 h"), (2000, "1 day"), (99_999, "364 days")]


@pytest.mark.parametrize(("hours", "told"), WIDTHS)
def test_bars_in_time_are_as_wide_as_fits(hours: int, told: str) -> None:
    axes = plots.differences_by_time(differing([0, hours]))
    label = axes.get_xlabel()
    assert label.startswith("changed 20") and label.endswith(f" (UTC)\na bar is {told}")
    assert len(bars(axes)) == len({0, hours})


def test_the_ends_of_the_ids_are_named_where_there_is_one_resource() -> None:
    one = differing([3])
    one.attrs["ends"] = {"acme": {"order": ["1001", "k1:0a1b"]}}
    assert ticks(plots.differences_by_id(one)) == ["1001", "k1:0a1b"]
    assert ticks(plots.differences_by_id(together(one, differing([3], resource="customer")))) == [
        "lowest id",
        "highest id",
    ]


def ticks(axes: Axes) -> list[str]:
    return [label.get_text() for label in axes.get_xticklabels()]


def test_the_limit_is_drawn_and_named() -> None:
    assert "limit 5 s" in words(plots.latency(hops(1, 2)))
    assert "limit 5 min" in words(plots.backlog(waiting(1)))


def test_figures_are_told_beside_the_lines() -> None:
    assert "median 1.5 s, p95 1.95 s, 2 changes" in words(plots.latency(hops(1, 2)))
    fields = together(differing([1, 2], what="field"), differing([2], what="field", kind="another"))
    assert "2 of 400" in words(plots.differences_by_field(fields))
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


def lanes(axes: Axes) -> list[str]:
    return [label.get_text() for label in axes.get_yticklabels()]


def test_of_few_topics_each_has_a_lane_that_names_its_resource_where_need_be() -> None:
    few = together(known_of(2), known_of(1, resource="").assign(topic="app/gone"))
    assert lanes(plots.topic_matrix(few)) == ["orders/0", "orders/1", "no resource:  app/gone"]


def test_what_goes_to_another_address_is_told_from_a_gap_without_its_colour() -> None:
    axes = plots.topic_matrix(together(known_of(50), known_of(1, resource="customer").assign(**ELSEWHERE)))
    assert lanes(axes) == ["order:  50 topics", "customers/0"]
    assert words(axes) == {"yes", "↗ 1 of 2 elsewhere"}


def test_of_many_topics_those_of_a_resource_that_lack_nothing_are_one_lane() -> None:
    part = known_of(60, resource="customer")
    part.loc[part["topic"].eq("customers/0") & part["side"].eq("wanted"), ["state", "told"]] = ["said", "no"]
    axes = plots.topic_matrix(together(part, known_of(3, "orders/2")))
    assert lanes(axes) == ["customer:  60 topics", "orders/0", "orders/1", "orders/2"]
    assert {"59 of 60", "1 of 2", "yes"} == words(axes)
    low = plots.topic_matrix(known_of(200, "orders/2"))
    assert len(lanes(low)) == 200
    assert low.figure is not None and low.figure.get_figheight() < 30  # type: ignore[union-attr]
