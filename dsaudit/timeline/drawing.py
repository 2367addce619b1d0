"""Draws one record's story: a lane for each side, an axis of time that is bent."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from dsaudit.canvas import BLUE, GREY, INK, PALE, RED, canvas, lanes, say, span, unless_empty
from dsaudit.timeline.events import SIDES
from dsaudit.verdict.card import plural

MARKS = {"good": ("o", BLUE, 5.0), "bad": ("D", RED, 6.0), "plain": ("o", GREY, 4.5)}


@unless_empty("What happened to one record")
def timeline(frame: pd.DataFrame) -> Axes:
    """Draw the events of one record on its way, side by side; what went wrong is red, numbers are those of the table.

    `frame` is the ``events`` of ``audit.why(resource, source_id)``: number, at, side, state, version. The axis of time
    is bent: events of one second stand apart, and long silences are short and told in words. A line follows a version.
    """
    # Few audits have logs, so that an empty lane would say little.
    sides = [side for side in SIDES if side != "log" or (frame["side"] == "log").any()]
    with canvas("What happened to one record", len(sides) + 0.6) as axes:
        lanes(axes, sides)
        placed = frame.assign(x=_bent(axes, frame["at"]), lane=frame["side"].map(sides.index))
        for _, part in placed[placed["version"].notna()].groupby("version"):
            axes.plot(part["x"], part["lane"], color=PALE, lw=1.4, zorder=1)
        for place, part in placed.groupby(["lane", "x"]):
            lane, x = (float(str(one)) for one in place)
            worst = "bad" if (part["state"] == "bad").any() else part["state"].iloc[-1]
            mark, colour, size = MARKS[worst]
            axes.plot(x, lane, mark, color=colour, ms=size, mew=0, zorder=2)
            axes.annotate(
                _range(part["number"]), (x, lane), (0, 1 + 0.75 * size), textcoords="offset points",
                ha="center", fontsize=6, color=colour if worst == "bad" else INK,
            )  # fmt: skip
        for lane in set(range(len(sides))) - set(placed["lane"]):
            axes.text(0.5, lane, " nothing ", color=GREY, fontsize=7, ha="center", va="center", backgroundcolor="white")
        axes.hlines(np.arange(len(sides)), -0.04, 1.04, color=PALE, lw=0.4, zorder=0)
        axes.set_xlim(-0.04, 1.04)
        say(axes, _told(frame))
    return axes


def _told(frame: pd.DataFrame) -> str:
    """Return how many events there are, how long the longest silence between two is, and what went wrong."""
    gaps = pd.to_datetime(frame["at"], utc=True).dropna().sort_values().diff().dt.total_seconds()
    told = plural(len(frame), "event") + (f"; the longest silence is {span(gaps.max())}" if gaps.notna().any() else "")
    wrong = frame.loc[frame["state"] == "bad", "number"]
    return told + (f"; wrong at {', '.join(map(str, wrong))}" if len(wrong) else "")


def _range(numbers: pd.Series) -> str:
    first, last = numbers.iloc[0], numbers.iloc[-1]
    return str(first) if first == last else f"{first}–{last}"


def _bent(axes: Axes, instants: pd.Series) -> Any:
    """Return a place from 0 to 1 for each instant, name some of them on the axis and the long silences above it.

    What has no time stands behind all others.
    """
    naive = pd.to_datetime(instants, utc=True).dt.tz_localize(None).to_numpy(dtype="datetime64[us]")
    known = np.unique(naive[~np.isnat(naive)])
    gaps = np.diff(known) / np.timedelta64(1, "s")
    is_open = bool(np.isnat(naive).any())
    # A second's burst is as wide as a few steps, and a year of silence no more than ten.
    steps = np.cumsum([0, *(1 + 1.3 * np.log10(1 + gaps)), *([3] if is_open else [])])
    places = steps / max(steps[-1], 1)
    _name_instants(axes, known, gaps, places)
    at = dict(zip(known, places, strict=False))
    if is_open:
        axes.text(places[-1], -0.6, "not yet", color=GREY, fontsize=6.5, ha="center", va="bottom")
    return np.array([places[-1] if np.isnat(one) else at[one] for one in naive], dtype=float)


def _name_instants(axes: Axes, known: Any, gaps: Any, places: Any) -> None:
    ticks = [0] if len(known) else []
    for place in np.argsort(-gaps, kind="stable"):
        # Of one second only the first is named.
        if gaps[place] >= 1 and all(abs(places[place + 1] - places[other]) > 0.11 for other in ticks):
            ticks.append(int(place) + 1)
    shown = [pd.Timestamp(known[one]) for one in sorted(ticks)]
    days = [None, *(f"{one:%Y-%m-%d}" for one in shown)]
    names = [
        f"{at:%H:%M:%S}\n{day if day != before else ''}" for at, day, before in zip(shown, days[1:], days, strict=False)
    ]
    axes.set_xticks([places[one] for one in sorted(ticks)], names)
    axes.tick_params(axis="x", labelsize=6.5)
    axes.set_xlabel("UTC; silences are shortened")
    for place, gap in enumerate(gaps):
        if places[place + 1] - places[place] > 0.07 and gap > 2:
            middle = (places[place] + places[place + 1]) / 2
            axes.text(middle, -0.6, span(gap), color=GREY, fontsize=6.5, ha="center", va="bottom")
