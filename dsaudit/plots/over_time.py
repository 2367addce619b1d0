"""The plot of latency over time: a lane for each resource."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from dsaudit.canvas import BLUE, INK, PALE, RED, SMALL
from dsaudit.canvas import canvas as _canvas
from dsaudit.canvas import days as _days
from dsaudit.canvas import lanes as _lanes
from dsaudit.canvas import numbers as _numbers
from dsaudit.canvas import say as _say
from dsaudit.canvas import span as _span
from dsaudit.canvas import time_axis as _time_axis
from dsaudit.canvas import unless_empty as _unless_empty
from dsaudit.verdict.card import plural

MOST = 12  # resources that are drawn, the slowest
LINES = 1.6  # of a plot for each lane
FULL = 0.8  # of a lane's height


@_unless_empty("Latency over time, from the change at the source to the refined row")
def latency_over_time(frame: pd.DataFrame) -> Axes:
    """Draw median and 95th percentile of what changed in each interval, by resource, against the limit.

    `frame` is ``audit.frame("latency_over_time")``: resource, time, changes, median, p95 (seconds), seconds (of an
    interval), limit_seconds. All lanes have one logarithmic scale; the slowest resources are drawn, the worst on top.
    """
    limit, width = float(frame["limit_seconds"].iloc[0]), float(frame["seconds"].iloc[0]) / 86400
    worst = frame.assign(p95=_numbers(frame["p95"])).groupby("resource")["p95"].max().sort_values(ascending=False)
    names = [str(name) for name in worst.index[:MOST]]
    low, high = limit / 100, max(limit * 2, float(worst.max()))

    def height(seconds: pd.Series | float) -> np.ndarray:
        """Return how high in its lane a latency stands, on the logarithmic scale that all lanes have in common."""
        clipped = np.clip(np.asarray(seconds, dtype=float), low, high)
        return np.asarray(FULL * np.log(clipped / low) / np.log(high / low))

    with _canvas("Latency over time, from the change at the source to the refined row", LINES * len(names)) as axes:
        _lanes(axes, names)
        for lane, name in enumerate(names):
            part = frame[frame["resource"] == name].sort_values("time")
            times, ground = _days(part["time"]) + width / 2, lane + FULL / 2
            top, middle = _numbers(part["p95"]), _numbers(part["median"])
            colours = np.where(top > limit, RED, BLUE)
            axes.bar(times, -height(middle), width, ground, color=PALE, linewidth=0)
            axes.vlines(times, ground - height(middle), ground - height(top), color=colours, lw=0.8)
            axes.scatter(times, ground - height(top), 7, color=colours, linewidths=0, zorder=3)
            changes = int(_numbers(part["changes"]).sum())
            told = f"p95 at most {_span(float(top.max()))}\n{plural(changes, 'change')}"
            axes.text(1.01, lane, told, transform=axes.get_yaxis_transform(), va="center", fontsize=SMALL)
        grounds = np.arange(len(names)) + FULL / 2
        across = axes.get_yaxis_transform()
        axes.hlines(grounds, 0, 1, transform=across, color=PALE, lw=0.8)
        axes.hlines(grounds - height(limit), 0, 1, transform=across, color=INK, lw=0.8, ls=(0, (4, 3)))
        above = grounds[0] - height(limit)
        clear = {"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 0.5}
        axes.text(0, above, f"limit {_span(limit)}", transform=across, va="bottom", fontsize=SMALL, bbox=clear)
        _time_axis(axes)
        rest = len(worst) - len(names)
        more = f"; {plural(rest, 'quicker resource')} not drawn" if rest else ""
        told = f"changed at (UTC)\nbars: median; dots: 95th percentile (p95), each of {_span(width * 86400)}\n"
        told += f"heights are logarithmic{more}"
        axes.set_xlabel(told, loc="left", fontsize=SMALL)
        _say(
            axes,
            f"the longest 95th percentile is {_span(float(worst.max()))}, of {worst.index[0]}, "
            f"the limit {_span(limit)}",
        )
    return axes
