"""The plot of how declared queries grow: those that grow too fast stand on top and apart, by more than their colour."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from dsaudit import plots
from tests.test_plots import closed as closed
from tests.test_plots import frame, lanes, sentence, width_as_in_a_notebook

SIZES = (1000, 4000, 16_000)


def grown(query: str, power: float | None, allowed: float = 0.5, first: float = 10) -> list[dict[str, Any]]:
    """What a query handled at each size, where it grows by that power."""
    return [
        {"query": query, "rows": size, "handled": first * (size / SIZES[0]) ** (power or 0), "milliseconds": 0.0,
         "power": power, "allowed": allowed}
        for size in SIZES
    ]  # fmt: skip


QUICK, COUNT, SLOW = grown("quick", 0.0), grown("a_count_of_all_that_there_is", 1.0, 1.2), grown("slow_$x$", 2.0)


@pytest.mark.parametrize(
    ("given", "names", "words"),
    [
        (QUICK, ["quick"], "none of 1 query grows faster than it may"),
        ([*QUICK, *grown("odd", None)], ["quick", "odd"], "none of 1 query grows faster than it may"),
        (
            [*QUICK, *SLOW, *COUNT],
            ["slow_$x$", "a_count_of_all_\nthat_there_is", "quick"],
            "slow_$x$: faster than allowed",
        ),
    ],
)
def test_the_fastest_growing_is_on_top_and_said(given: list[dict[str, Any]], names: list[str], words: str) -> None:
    axes = plots.query_growth(frame(*given))
    assert lanes(axes) == names
    assert sentence(axes).endswith(f": {words}.")
    assert width_as_in_a_notebook(axes) == 900


def test_a_query_that_grows_too_fast_has_other_marks() -> None:
    axes = plots.query_growth(frame(*QUICK, *SLOW))
    marks = {(line.get_ydata()[0], line.get_marker()) for line in axes.lines}  # type: ignore[index]
    assert {(0, "D"), (1, "o")} <= marks and not {(0, "o"), (1, "D")} & marks


def test_nothing_measured_is_said() -> None:
    assert sentence(plots.query_growth(pd.DataFrame())).endswith(": nothing to show.")
    assert sentence(plots.query_growth(frame({"query": "a", "told": "no"}))).endswith(": no query could be measured.")
