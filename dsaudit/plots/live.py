"""The plot of the live probe: a timeline of each change that was made at the source."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from dsaudit.canvas import BLUE, GREY, INK, PALE, RED, SMALL, canvas, lanes, limit, say, span, unless_empty

TITLE = "How changes made at the source arrived, step by step"
LOWEST = 0.01  # seconds; what took less is drawn there


@unless_empty(TITLE)
def live_times(frame: pd.DataFrame) -> Axes:
    """Draw when each step of each change was seen, from the request on, against the limit; what never came is red.

    `frame` is ``audit.frame("live_times")``: action, step, seconds, waited_seconds, limit_seconds, late.
    """
    waited, most = float(frame["waited_seconds"].iloc[0]), float(frame["limit_seconds"].iloc[0])
    actions = list(dict.fromkeys(frame["action"]))
    with canvas(TITLE, 3.2 * len(actions)) as axes:
        lanes(axes, actions)
        axes.hlines(np.arange(len(actions) - 1) + 0.5, 0, 1, transform=axes.get_yaxis_transform(), color=PALE, lw=0.6)
        for lane, action in enumerate(actions):
            own = frame[frame["action"] == action].to_dict("records")
            for offset, step in zip(_spread(len(own)), own, strict=True):
                _draw(axes, lane + offset, step)
        axes.set_xscale("log")
        axes.set_xlim(LOWEST * 0.8, waited * 3)
        ticks = [one for one in (0.01, 0.1, 1, 10, 100) if one <= waited]
        axes.set_xticks(ticks, [f"≤ {span(one)}" if one == LOWEST else span(one) for one in ticks])
        axes.set_xticks([], minor=True)
        axes.set_xlabel("since the request to the source")
        limit(axes, most, f"limit {span(most)}")
        say(axes, _told(frame, waited))
    return axes


def _draw(axes: Axes, height: float, step: dict[Hashable, Any]) -> None:
    is_seen, is_late = not pd.isna(step["seconds"]), bool(step["late"])
    at = max(float(step["seconds"]), LOWEST) if is_seen else float(step["waited_seconds"])
    colour = RED if is_late else GREY if step["step"] == "changed" else BLUE
    axes.plot([LOWEST * 0.8, at], [height, height], color=PALE, lw=1, zorder=1)
    axes.plot(at, height, ("D" if is_late else "o") if is_seen else "x", color=colour, ms=4.5, zorder=2)
    not_seen = f"not in {span(at)}" if is_late else "unknown"
    told = f"  {step['step']} {span(step['seconds']) if is_seen else not_seen}"
    axes.text(at, height, told, va="center", fontsize=SMALL - 0.5, color=RED if is_late else INK)


def _spread(count: int) -> list[float]:
    return [float(one) for one in np.linspace(-0.36, 0.36, count)] if count > 1 else [0.0] * count


def _told(frame: pd.DataFrame, waited: float) -> str:
    late = frame[frame["late"].eq(True) | frame["seconds"].isna()]
    if len(late):
        parts = [f"{action}: {', '.join(part)}" for action, part in late.groupby("action", sort=False)["step"]]
        return f"late, or not seen in {span(waited)}: {'; '.join(parts)}"
    action, step, seconds = max(
        zip(frame["action"], frame["step"], frame["seconds"], strict=True), key=lambda one: one[2]
    )
    return f"all {len(frame)} steps were seen; the slowest is {step} of {action}, {span(seconds)}"
