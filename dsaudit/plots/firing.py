"""The plot of a schedule: the pause before each start, against the declared interval."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from dsaudit.canvas import BLUE, GREY, INK, PALE, RED, SMALL, SPANS
from dsaudit.canvas import canvas as _canvas
from dsaudit.canvas import days as _days
from dsaudit.canvas import numbers as _numbers
from dsaudit.canvas import say as _say
from dsaudit.canvas import span as _span
from dsaudit.canvas import time_axis as _time_axis
from dsaudit.canvas import unless_empty as _unless_empty
from dsaudit.verdict.card import plural

TITLE = "Pauses between the starts of the schedule"
LINES = 7
MOST_NAMED = 6  # gaps and doubles whose figures are written beside them; of more the words would touch
LOWEST = 0.1  # seconds; what followed sooner is drawn there
# What is wrong, its mark and where its words stand: told apart by their shape too.
MARKS = {"gap": ("^", "bottom"), "double": ("x", "top")}


@_unless_empty(TITLE)
def schedule(frame: pd.DataFrame) -> Axes:
    """Draw the pause before each start over time, with the interval, its tolerance, and gaps and doubles marked.

    `frame` is ``audit.frame("scheduled_runs")``: started_at (None of a gap that goes on), from, pause_seconds, kind,
    missed, interval_seconds (None of a crontab), tolerance_percent, until.
    """
    begun = frame["started_at"].where(frame["started_at"].notna(), frame["until"])
    times, pauses = _days(begun), np.maximum(_numbers(frame["pause_seconds"]), LOWEST)
    kinds = frame["kind"].where(frame["kind"].notna(), "").astype(str)
    first = frame["interval_seconds"].iloc[0]
    interval = None if pd.isna(first) else float(first)
    with _canvas(TITLE, LINES) as axes:
        if interval:
            _grid(axes, interval, float(frame["tolerance_percent"].iloc[0]) / 100)
        plain = (kinds == "").to_numpy()
        axes.plot(times[plain], pauses[plain], "o", color=BLUE, ms=3, mew=0, zorder=3)
        for kind, (mark, side) in MARKS.items():
            of_kind = (kinds == kind).to_numpy()
            axes.plot(times[of_kind], pauses[of_kind], mark, color=RED, ms=6, mew=1.4, zorder=4)
            if of_kind.sum() <= MOST_NAMED:
                _name(axes, frame[of_kind], times[of_kind], pauses[of_kind], kind, side)
        _pause_axis(axes, float(min(pauses.min(), interval or np.inf)), float(max(pauses.max(), interval or 0)))
        _time_axis(axes)
        axes.margins(x=0.06)
        if times.min() == times.max():  # a single pause, around which years would be shown
            around = 3 * (interval or 3600) / 86400
            axes.set_xlim(times[0] - around, times[0] + around)
        axes.set_xlabel(
            "start (UTC)   ● in time, or held up by a run   ▲ gap before it   ✕ double", loc="left", fontsize=SMALL
        )
        _say(axes, _told(kinds, pauses, interval))
    return axes


def _grid(axes: Axes, interval: float, tolerance: float) -> None:
    low, high = interval * (1 - tolerance), interval * (1 + tolerance)
    axes.axhspan(max(low, LOWEST), high, color=PALE, alpha=0.6, linewidth=0, zorder=0)
    axes.axhline(interval, color=INK, lw=1, ls=(0, (4, 3)), zorder=1)
    told = f"every {_span(interval)}\n± {tolerance:.0%}"
    axes.text(1.01, interval, told, transform=axes.get_yaxis_transform(), va="center", fontsize=SMALL)


def _name(axes: Axes, part: pd.DataFrame, times: np.ndarray, pauses: np.ndarray, kind: str, side: str) -> None:
    for missed, open_end, time, pause in zip(part["missed"], part["started_at"].isna(), times, pauses, strict=True):
        told = f"after {_span(pause)}" if kind == "double" else f"{int(missed)} missed{', and on' if open_end else ''}"
        up = 6 if side == "bottom" else -6
        axes.annotate(
            told, (time, pause), (0, up), textcoords="offset points", ha="center", va=side, color=RED, fontsize=SMALL
        )


def _pause_axis(axes: Axes, low: float, high: float) -> None:
    """Give the plot an upright axis of durations, logarithmic, as a gap may last a day and a double a second."""
    axes.set_yscale("log")
    low, high = max(low / 2, LOWEST * 0.7), high * 2
    axes.set_ylim(low, high)
    steps = {**SPANS, 5: "5 s", 30: "30 s", 300: "5 min", 1800: "30 min", 21600: "6 h"}
    shown = {place: name for place, name in sorted(steps.items()) if low <= place <= high}
    axes.set_yticks(list(shown), list(shown.values()))
    axes.minorticks_off()
    axes.grid(axis="y", color=PALE, lw=0.6)
    axes.set_axisbelow(True)
    axes.set_ylabel("pause before the start", color=GREY)


def _told(kinds: pd.Series, pauses: np.ndarray, interval: float | None) -> str:
    wanted = f", every {_span(interval)} by the schedule" if interval else ""
    counts = [plural(int((kinds == kind).sum()), kind) for kind in MARKS if (kinds == kind).any()]
    usual = f"the usual pause of {plural(len(pauses) + 1, 'start')} is {_span(float(np.median(pauses)))}{wanted}"
    return f"{usual}; {' and '.join(counts) or 'none was missed, none came twice'}"
