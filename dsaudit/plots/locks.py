"""The plot of how long revisions lock others out: a lane for each lock, a dot for each size, and where it would end."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from dsaudit.canvas import (
    BLUE,
    INK,
    PALE,
    RED,
    SMALL,
    canvas,
    lanes,
    limit,
    note,
    numbers,
    say,
    span,
    span_axis,
    unless_empty,
)
from dsaudit.verdict.card import plural

TITLE = "How long revisions lock others out"
MOST = 40  # locks that are drawn, the longest
SIZES = (3.5, 5.0, 6.5)  # points of the dots, the smallest tables first
LEAST = 0.01  # seconds; the axis tells nothing below


@unless_empty(TITLE)
def migration_locks(frame: pd.DataFrame) -> Axes:
    """Draw how long each lock was held at each size, and how long it would be at the size that is reckoned with.

    `frame` is ``audit.frame("migration_locks")``: revision, table, lock, rows, held, expected_rows, extrapolated,
    allowed. A line leads from the largest size that was tried to a mark at the expected one; beyond the limit both are
    red, and the mark is a diamond.
    """
    frame = frame[frame["held"].notna()] if "held" in frame else frame[:0]
    if frame.empty:
        return note(TITLE, "no revision locks anybody out")
    frame = frame.assign(
        held=np.maximum(numbers(frame["held"]), LEAST),
        extrapolated=np.maximum(numbers(frame["extrapolated"]), LEAST),
    )
    groups = [group for _, group in frame.groupby(["revision", "table", "lock"], sort=False)]
    groups.sort(key=lambda group: -float(group["extrapolated"].iloc[0]))
    allowed = float(frame["allowed"].iloc[0])
    drawn = groups[:MOST]
    with canvas(TITLE, 1.3 * len(drawn)) as axes:
        for lane, group in enumerate(drawn):
            _draw(axes, lane, group.sort_values("rows"), allowed)
        lanes(axes, [_name(group.iloc[0]) for group in drawn])
        every = [*frame["held"], *frame["extrapolated"], allowed]
        span_axis(axes, min(every), max(every) * 3)
        limit(axes, allowed, f"allowed {span(allowed)}")
        axes.grid(axis="x", color=PALE, lw=0.6)
        axes.set_axisbelow(True)
        rest = len(groups) - len(drawn)
        more = f"; {plural(rest, 'lock')} not drawn" if rest else ""
        axes.set_xlabel(f"dots: measured, the smallest tables first; mark: at the expected size{more}", loc="left")
        beyond = [group for group in groups if float(group["extrapolated"].iloc[0]) > allowed]
        words = f"{plural(len(beyond), 'lock')} would be held for longer than {span(allowed)}"
        say(
            axes,
            words if beyond else f"none of {plural(len(groups), 'lock')} would be held for longer than {span(allowed)}",
        )
    return axes


def _draw(axes: Axes, lane: int, own: pd.DataFrame, allowed: float) -> None:
    end = float(own["extrapolated"].iloc[0])
    colour, marker = (RED, "D") if end > allowed else (BLUE, "|")
    axes.plot([own["held"].iloc[-1], end], [lane, lane], color=colour, lw=1.2, zorder=2)
    for seconds, size in zip(own["held"], SIZES, strict=False):
        axes.plot(seconds, lane, "o", color=colour, ms=size, mec="white", mew=0.6, zorder=3)
    axes.plot(end, lane, marker, color=colour, ms=8, mew=1.4, zorder=4)
    told = f"{'≤ ' if end <= LEAST else ''}{span(end)} with {int(own['expected_rows'].iloc[0]):,} rows"
    axes.annotate(
        told,
        (end, lane),
        xytext=(0, 7),
        textcoords="offset points",
        ha="right" if end > allowed else "left",
        fontsize=SMALL,
        color=INK,
    )


def _name(row: pd.Series) -> str:
    return f"{row['revision']}\n{row['table'].removeprefix('public.')}"
