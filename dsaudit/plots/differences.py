"""Plots of the records that differ from the source: by field, by cause, in time and in the order of ids.

Each takes the frame of ``audit.differences()``, whole or a part of it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from dsaudit.canvas import BLUE, DAY, GREY, INK, MOST_LANES, PALE, RED
from dsaudit.canvas import canvas as _canvas
from dsaudit.canvas import lanes as _lanes
from dsaudit.canvas import nothing as _none
from dsaudit.canvas import panels as _panels
from dsaudit.canvas import say as _say
from dsaudit.canvas import span as _span
from dsaudit.canvas import time_axis as _time_axis
from dsaudit.verdict.card import plural
from dsaudit.verdict.causes import GROUPS, UNEXPLAINED

CLASSES = {"expected": GREY, "loss": RED, "unexplained": INK}
COLOURS = {"extra": INK, "old in raw": BLUE, "field": BLUE}  # what is missing is red
WAY = ["missing in raw", "missing in refined", "old in raw", "field", "extra"]
RECORD = ["tenant", "resource", "source_id"]
WIDTHS = [60, 600, 3600, 6 * 3600, DAY, 7 * DAY, 28 * DAY, 364 * DAY]  # seconds that a bar may stand for
MOST_BARS = 120  # over the width of a panel
LOWEST = 0.15  # of a lane's height: what is less would not be seen
LINES = 1.15  # of a plot for each lane, whose name has two


def differences_by_field(frame: pd.DataFrame) -> Axes:
    """Draw how many records differ in each field, the most frequent first, and of how many that were compared."""
    title = "Fields that differ from the source"
    fields = frame[frame["what"] == "field"] if len(frame) else frame
    if fields.empty:
        return _nothing(title, frame, "no field differs from the source")
    places = fields.groupby(["tenant", "resource", "field"])
    counted = places.agg(records=("source_id", "nunique"), compared=("examined", "max"))
    counted = counted.astype(int).groupby(["resource", "field"]).sum().reset_index()
    lines = counted.sort_values(["records", "resource", "field"], ascending=[False, True, True]).to_dict("records")
    names = [f"{line['resource']}.{line['field']}" for line in lines]
    told = [f"{line['records']:,} of {line['compared']:,}" for line in lines]
    return _bars(title, names, [line["records"] for line in lines], told, [RED] * len(lines))


def differences_by_cause(frame: pd.DataFrame) -> Axes:
    """Draw how many records differ for each cause, in the order of a record's way; no fault is grey, no cause black."""
    title = "Why records differ"
    if frame.empty:
        return _nothing(title, frame, "no record differs from the source")
    records = frame.drop_duplicates([*RECORD, "cause"])
    counted = records.groupby(["group", "cause", "class"])["source_id"].size().reset_index(name="records")
    lines = sorted(counted.to_dict("records"), key=lambda one: (GROUPS.index(one["group"]), one["cause"]))
    names = [line["group"] if line["cause"] == UNEXPLAINED else f"{line['group']}: {line['cause']}" for line in lines]
    told = [f"{line['records']:,}" + (" (no fault)" if line["class"] == "expected" else "") for line in lines]
    return _bars(title, names, [line["records"] for line in lines], told, [CLASSES[line["class"]] for line in lines])


def _bars(title: str, names: list[str], counts: list[int], told: list[str], colours: list[str]) -> Axes:
    """Draw a bar for each name, with what is told of it at its end."""
    with _canvas(title, len(names[:MOST_LANES])) as axes:
        _lanes(axes, names[:MOST_LANES])
        for lane, (count, words, colour) in enumerate(zip(counts, told, colours, strict=True)):
            if lane < MOST_LANES:
                axes.barh(lane, count, 0.6, color=colour)
                axes.text(count, lane, f" {words}", va="center", fontsize=7)
        axes.set_xlim(0, max(counts) * 1.25)
        axes.xaxis.set_major_locator(mpl.ticker.MaxNLocator(5, integer=True))
        axes.xaxis.set_major_formatter(mpl.ticker.StrMethodFormatter("{x:,.0f}"))
        axes.set_xlabel("records" + _cut(len(names)))
        top = counts.index(max(counts))
        _say(axes, f"the most frequent is {names[top]}, {told[top]}")
    return axes


def _cut(count: int) -> str:
    return f"; {plural(count - MOST_LANES, 'more line')} not drawn" if count > MOST_LANES else ""


def differences_by_time(frame: pd.DataFrame) -> Axes:
    """Draw when the records that differ changed at the source; a bar stands for a minute up to a year, as it fits.

    Of what the source does not have, the time is the one that the refined row tells. Each record is drawn where it
    differs first on its way; what is no fault is left out.
    """
    return _placed(frame, "When the records that differ changed", [_draw_times])


def differences_by_id(frame: pd.DataFrame) -> Axes:
    """Draw where the records that differ stand in the order of the source's ids: a hole shows as a block.

    A bar's height is the share of the ids at its place that differ. Each record is drawn where it differs first on
    its way; what is no fault is left out.
    """
    return _placed(frame, "Where the records that differ stand among the ids", [_draw_ids])


def differences_by_time_and_id(frame: pd.DataFrame) -> Axes:
    """Draw side by side what `differences_by_time` and `differences_by_id` draw; return the axes of the times."""
    return _placed(frame, "Where the records that differ lie, in time and among the ids", [_draw_times, _draw_ids])


Draw = Callable[[Axes, list[pd.DataFrame]], None]


def _placed(frame: pd.DataFrame, title: str, draws: list[Draw]) -> Axes:
    """Draw a lane for each tenant, resource and kind of difference, in a panel for each of `draws`."""
    if frame.empty:
        return _nothing(title, frame, "no record differs from the source")
    faults = frame[frame["leads"] & (frame["class"] != "expected")]
    if faults.empty:
        count = len(frame[RECORD].drop_duplicates())
        return _nothing(title, frame, f"{plural(count, 'record differs', 'records differ')} without a fault")
    found: dict[Any, pd.DataFrame] = dict(list(faults.groupby(["tenant", "resource", "what"])))
    order = sorted(found, key=lambda key: (key[0], key[1], WAY.index(key[2])))
    several = len({tenant for tenant, _, _ in order}) > 1
    groups = [found[key] for key in order[:MOST_LANES]]
    with _panels(title, LINES * len(groups), len(draws)) as panels:
        _lanes(panels[0], [f"{f'{t}, ' if several else ''}{name}\n{what}" for t, name, what in order[:MOST_LANES]])
        panels[0].tick_params(axis="y", labelsize=7)
        for draw, axes in zip(draws, panels, strict=True):
            draw(axes, groups)
        told = [_tell(panels[-1], lane, part) for lane, part in enumerate(groups)]
        top = max(range(len(groups)), key=lambda lane: len(groups[lane]))
        place = ", ".join(order[top] if several else order[top][1:])
        _say(panels[0], f"the most are {place}, {told[top].replace(chr(10), ', ')}")
        panels[0].set_xlabel(panels[0].get_xlabel() + _cut(len(order)))
    return panels[0]


def _tell(axes: Axes, lane: int, part: pd.DataFrame) -> str:
    """Write and return how many there are, and how many of them stand in a row, at the end of a lane."""
    ranks = np.unique(part["rank"].dropna().to_numpy(int))
    ends = np.flatnonzero(np.diff(ranks) > 1) + 1
    longest = np.diff([0, *ends, len(ranks)]).max()
    told = f"{len(part):,} of {int(part['ranks'].iloc[0]):,}" + (f"\n{longest:,} in a row" if longest > 1 else "")
    axes.text(1.02, lane, told, transform=axes.get_yaxis_transform(), va="center", fontsize=7)
    return told


def _bar_up(axes: Axes, lane: int, part: pd.DataFrame, starts: Any, width: float, heights: Any) -> None:
    """Draw bars of heights up to 1 that stand on the ground of a lane; lanes count downwards."""
    full, ground = 0.72, lane + 0.36
    colour = COLOURS.get(part["what"].iloc[0], RED)
    heights = -full * np.clip(heights, LOWEST, 1)
    axes.bar(starts, heights, width, ground, color=colour, align="edge", linewidth=0)


def _draw_times(axes: Axes, groups: list[pd.DataFrame]) -> None:
    """Draw how many changed in each interval, against the most of the lane."""
    times = [_seconds(part["changed_at"].fillna(part["updated_at"])) for part in groups]
    every = np.concatenate([*times, []])
    for lane, own in enumerate(times):
        if not len(own):
            axes.text(
                0.01, lane, "not known when", transform=axes.get_yaxis_transform(), va="center", color=GREY, fontsize=7
            )
    axes.hlines(np.arange(len(groups)) + 0.36, 0, 1, transform=axes.get_yaxis_transform(), color=PALE, lw=0.8)
    if not len(every):
        axes.set_xticks([])
        return
    _time_axis(axes)
    low, high = every.min(), every.max()
    width = next((one for one in WIDTHS if high - low < one * MOST_BARS), WIDTHS[-1])
    for lane, (own, part) in enumerate(zip(times, groups, strict=True)):
        starts, counts = np.unique(own // width, return_counts=True)
        if len(own):
            _bar_up(axes, lane, part, starts * width / DAY, width / DAY, counts / counts.max())
    margin = max(width * 6, (high - low) * 0.04)
    axes.set_xlim((low - margin) / DAY, (high + margin) / DAY)
    axes.xaxis.get_offset_text().set_visible(False)  # the label says it, and stands in the same place
    days = sorted({f"{datetime.fromtimestamp(one, UTC):%Y-%m-%d}" for one in (low, high)})
    axes.set_xlabel(f"changed {' to '.join(days)} (UTC)\na bar is {_span(width)}", loc="left", fontsize=7)


def _seconds(times: pd.Series) -> Any:
    """Return instants as seconds since 1970, those that are not known left out."""
    return times.dropna().astype("datetime64[us, UTC]").astype("int64").to_numpy() / 1e6


def _draw_ids(axes: Axes, groups: list[pd.DataFrame]) -> None:
    """Draw which share of the ids at each place differs, on the whole of the source's ids in pale."""
    for lane, part in enumerate(groups):
        axes.barh(lane, 1, 0.72, color=PALE)
        count = max(int(part["ranks"].iloc[0]), 1)
        bars = min(count, MOST_BARS)
        ranks = part["rank"].dropna().to_numpy(int)
        places, found = np.unique(np.minimum(ranks * bars // count, bars - 1), return_counts=True)
        begins = -(-np.arange(bars + 1) * count // bars)  # the first rank of each bar
        _bar_up(axes, lane, part, places / bars, 1 / bars, found / np.diff(begins)[places])
    axes.set_xlim(0, 1)
    axes.set_xticks([0, 1], _ends(groups), fontsize=7)
    low, high = axes.get_xticklabels()
    low.set_horizontalalignment("left")
    high.set_horizontalalignment("right")
    axes.set_xlabel("the source's ids in their order", loc="left", fontsize=7)


def _ends(groups: list[pd.DataFrame]) -> list[str]:
    """Return the source's lowest and highest id where all lanes are of one resource, else these words."""
    places = {(part["tenant"].iloc[0], part["resource"].iloc[0]) for part in groups}
    tenant, resource = next(iter(places))
    ends = groups[0].attrs.get("ends", {}).get(tenant, {}).get(resource, [])
    return [str(one) for one in ends] if len(places) == 1 and len(ends) == 2 else ["lowest id", "highest id"]


def _nothing(title: str, frame: pd.DataFrame, words: str) -> Axes:
    """Say in words that there is nothing to draw, and of which lists nobody knows it."""
    unread = frame.attrs.get("unread", [])
    more = (
        f"; not compared, as the source's list is not whole or our table is lost: {'; '.join(unread)}" if unread else ""
    )
    return _none(title, frame, words + more)
