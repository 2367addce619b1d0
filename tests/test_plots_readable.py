"""Plots can be read: letters that are large enough, names that do not touch, and no colour without another sign."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import matplotlib as mpl
import pandas as pd
import pytest
from matplotlib.axes import Axes

from dsaudit import canvas, plots
from tests.test_plots import closed as closed  # it closes what was drawn
from tests.test_plots import frame, hops, ingest, known_of, lanes, over_time, steps, together, waiting


@pytest.mark.parametrize(
    ("plot", "given"),
    [
        (plots.latency, hops(-3, 0, 0.001, 4, 1e7)),
        (plots.latency_over_time, over_time(*(0.1 * hour for hour in range(100)), resources=30)),
        (plots.live_times, steps(0.02, None, None, 6, 14.9)),
        (plots.ingest, ingest(1, 2, 500)),
        (plots.topic_matrix, known_of(200, "orders/2")),
    ],
)
def test_no_letter_is_too_small_to_read(plot: Callable[..., Axes], given: pd.DataFrame) -> None:
    axes = plot(given)
    assert min(text.get_fontsize() for text in [*axes.texts, *axes.get_xticklabels(), *axes.get_yticklabels()]) >= 6


def test_the_names_on_an_axis_of_durations_do_not_touch() -> None:
    axes = plots.backlog(waiting(0, 1e9))
    axes.get_figure(root=True).canvas.draw()  # type: ignore[union-attr]
    boxes = [label.get_window_extent() for label in axes.get_xticklabels()]
    assert len(boxes) > 3 and all(left.x1 < right.x0 for left, right in pairwise(boxes))


def test_what_has_no_room_in_a_field_is_cut() -> None:
    ways = ("available", "source", "sync", "raw", "refined", "webhook")
    one = {"resource": "note", "state": "parent", "told": "with fulfillment_line_item"}
    axes = plots.coverage_matrix(frame(*({**one, "way": way} for way in ways)))
    axes.get_figure(root=True).canvas.draw()  # type: ignore[union-attr]
    assert {text.get_text() for text in axes.texts} == {"with fulfillment…"}
    assert all(left.x1 < right.x0 for left, right in pairwise(text.get_window_extent() for text in axes.texts))


def test_the_slowest_lane_is_on_top() -> None:
    assert lanes(plots.latency(together(hops(1, resource="a"), hops(3, resource="b")))) == ["b", "a"]


def test_deliveries_that_failed_bear_a_cross() -> None:
    given = ingest(*range(1, 9)).rename(columns={"via": "outcome", "records": "deliveries"})
    axes = plots.deliveries(given.assign(accepted=given["outcome"].str.contains("0")))
    assert lanes(axes) == ["way 0 $x$", "✗ way 1 $x$"]
    red = mpl.colors.to_rgba(canvas.RED)
    assert [bars[0].get_facecolor() == red for bars in axes.containers] == [False, True]  # type: ignore[index]
