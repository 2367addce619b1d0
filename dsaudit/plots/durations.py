"""The plot of how long rows are under way: a lane for each kind, from the median to the longest."""

from __future__ import annotations

import textwrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from dsaudit.canvas import BLUE, GREY, PALE, SMALL, canvas, lanes, note, numbers, say, span, span_axis, unless_empty
from dsaudit.verdict.card import plural

TITLE = "How long they take, by kind"
STAYING = "How long rows stay in a state"
MOST = 40  # kinds that are drawn, those with the most rows
LEAST = 0.01  # seconds; what took less is drawn there
LONGEST_NAME = 24  # letters of a name in one line


@unless_empty(TITLE)
def durations(frame: pd.DataFrame) -> Axes:
    """Draw median, 95th percentile and longest of each kind, on one logarithmic scale.

    `frame` is ``audit.frame("flow_durations")``: resource, type, count, unfinished, median, p95, longest (seconds).
    """
    return _drawn(frame, TITLE, "none has ended yet")


@unless_empty(STAYING)
def time_in_states(frame: pd.DataFrame) -> Axes:
    """Draw the same of each state: how long rows stay in it.

    `frame` is ``audit.frame("time_in_states")``, of the form that `durations` takes.
    """
    return _drawn(frame, STAYING, "no row has left a state yet")


def _drawn(frame: pd.DataFrame, title: str, none: str) -> Axes:
    known = frame[frame["longest"].notna()] if "longest" in frame else frame[:0]
    if known.empty:
        return note(title, none)
    drawn = known.head(MOST)
    middle, high, longest = (np.maximum(numbers(drawn[name]), LEAST) for name in ("median", "p95", "longest"))
    with canvas(title, 1.3 * len(drawn)) as axes:
        lanes(axes, [_name(row) for _, row in drawn.iterrows()])
        places = np.arange(len(drawn))
        axes.hlines(places, middle, longest, color=PALE, lw=1.2, zorder=1)
        axes.hlines(places, middle, high, color=BLUE, lw=2, zorder=2)
        axes.plot(middle, places, "o", color=BLUE, ms=5, mec="white", mew=0.6, zorder=3)
        axes.plot(high, places, "|", color=BLUE, ms=9, mew=1.6, zorder=3)
        axes.plot(longest, places, "x", color=GREY, ms=5, mew=1.2, zorder=3)
        span_axis(axes, float(middle.min()), float(longest.max()) * 1.5)
        for place, (_, row) in enumerate(drawn.iterrows()):
            told = f"{plural(int(row['count']), 'row')}\n{int(row['unfinished'])} unfinished"
            axes.text(1.02, place, told, transform=axes.get_yaxis_transform(), va="center", fontsize=SMALL)
        rest = len(known) - len(drawn)
        more = f"; {plural(rest, 'kind')} not drawn" if rest else ""
        axes.set_xlabel(f"● median   | 95th percentile   × longest{more}", loc="left", fontsize=SMALL)
        slowest = drawn.iloc[int(np.argmax(longest))]
        say(axes, f"the longest took {span(float(slowest['longest']))}, of {_name(slowest, ' ')}")
    return axes


def _name(row: pd.Series, between: str = "\n") -> str:
    kind = textwrap.shorten(str(row["type"]), LONGEST_NAME, placeholder="…")
    return f"{row['resource']}{between}{kind}".strip()
