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

    `frame` is ``audit.frame("live_times")``: action, step, still, seconds, waited_seconds, limit_seconds, failed.
    What was to stay as it was, and did, is a ring where the looking ended.
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
        axes.set_xlabel("since the request to the source, or the delivery")
        limit(axes, most, f"limit {span(most)}")
        say(axes, _told(frame, waited))
    return axes


def _draw(axes: Axes, height: float, step: dict[Hashable, Any]) -> None:
    is_seen, is_late, is_still = not pd.isna(step["seconds"]), bool(step["failed"]), bool(step["still"])
    at = max(float(step["seconds"]), LOWEST) if is_seen else float(step["waited_seconds"])
    colour = RED if is_late else GREY if step["step"] == "changed" else BLUE
    axes.plot([LOWEST * 0.8, at], [height, height], color=PALE, lw=1, zorder=1)
    is_ring = is_still and is_seen and not is_late
    face = "white" if is_ring else colour
    axes.plot(at, height, ("D" if is_late else "o") if is_seen else "x", color=colour, mfc=face, ms=4.5, zorder=2)
    told = span(step["seconds"]) if is_seen else f"not in {span(at)}" if is_late else "unknown"
    told = f"  {step['step']} {'as it was for ' if is_ring else 'changed after ' if is_still and is_late else ''}{told}"
    axes.text(at, height, told, va="center", fontsize=SMALL - 0.5, color=RED if is_late else INK)


def _spread(count: int) -> list[float]:
    return [float(one) for one in np.linspace(-0.36, 0.36, count)] if count > 1 else [0.0] * count


def _told(frame: pd.DataFrame, waited: float) -> str:
    bad = frame[frame["failed"].eq(True) | frame["seconds"].isna()]
    if len(bad):
        parts = [f"{action}: {', '.join(part)}" for action, part in bad.groupby("action", sort=False)["step"]]
        return f"late, not seen in {span(waited)}, or changed by a delivery sent again: {'; '.join(parts)}"
    still = frame["still"].eq(True)
    seen = frame[~still]
    action, step, seconds = max(zip(seen["action"], seen["step"], seen["seconds"], strict=True), key=lambda one: one[2])
    more = ", and no delivery sent again changed a row" if still.any() else ""
    return f"all {len(seen)} steps were seen; the slowest is {step} of {action}, {span(seconds)}{more}"
