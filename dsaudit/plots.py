"""Plots: what a table cannot say. Frames in, Axes out; no query, no global style, no legend to decode.

Every plot is 900 pixels wide at 144 dots per inch, tells its parts apart by place and shade as well as by colour, and
says "nothing to show" of an empty frame.
"""

from __future__ import annotations

from typing import Any, Literal

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from dsaudit.canvas import BINS, BLUE, GREY, INK, MOST_LANES, PALE, RED, SHADES, SPANS, STYLE, dates
from dsaudit.canvas import canvas as _canvas
from dsaudit.canvas import days as _days
from dsaudit.canvas import lanes as _lanes
from dsaudit.canvas import limit as _limit
from dsaudit.canvas import note as _note
from dsaudit.canvas import numbers as _numbers
from dsaudit.canvas import span as _span
from dsaudit.canvas import span_axis as _span_axis
from dsaudit.canvas import time_axis as _time_axis
from dsaudit.canvas import unless_empty as _unless_empty
from dsaudit.timeline.drawing import timeline as timeline


@_unless_empty("From the change at the source to the refined row")
def latency(frame: pd.DataFrame) -> Axes:
    """Draw every change's latency by resource, with median and 95th percentile, against the limit.

    `frame` is ``audit.frame("hops")``: resource, together (seconds), limit_seconds.
    """
    return _spread(frame, "together", "From the change at the source to the refined row")


@_unless_empty("How long received records have waited to be refined")
def backlog(frame: pd.DataFrame) -> Axes:
    """Draw the age of every record that waits for its refinement, by resource, against the limit.

    `frame` is ``audit.frame("waiting")``: resource, seconds_waiting, limit_seconds.
    """
    return _spread(frame, "seconds_waiting", "How long received records have waited to be refined")


def _spread(frame: pd.DataFrame, column: str, title: str) -> Axes:
    groups = {str(name): np.sort(_numbers(part[column])) for name, part in frame.groupby("resource")}
    limit = float(frame["limit_seconds"].iloc[0])
    with _canvas(title, len(groups)) as axes:
        _lanes(axes, list(groups))
        for lane, seconds in enumerate(groups.values()):
            shown = np.clip(seconds, min(SPANS), None)
            middle, high = np.quantile(shown, [0.5, 0.95])
            alpha = min(1, max(0.1, 30 / len(shown)))
            axes.plot(shown, np.full(len(shown), lane), "o", color=GREY, alpha=alpha, ms=3, mew=0)
            axes.plot([middle, high], [lane, lane], color=BLUE if high <= limit else RED, lw=2, solid_capstyle="butt")
            axes.plot(middle, lane, "|", color=INK, ms=8, mew=1.5)
            axes.plot(high, lane, "D", color=BLUE if high <= limit else RED, ms=4)
            told = f"median {_span(middle)}, p95 {_span(high)}, n {len(shown):,}"
            axes.text(1.01, lane, told, transform=axes.get_yaxis_transform(), va="center", color=INK, fontsize=7)
        every = np.concatenate(list(groups.values()))
        _span_axis(axes, float(every.min()), max(limit * 2, float(every.max()) * 1.5))
        _limit(axes, limit, f"limit {_span(limit)}")
    return axes


@_unless_empty("Records received over time, by way")
def ingest(frame: pd.DataFrame) -> Axes:
    """Draw how many records came by each way in each interval, up to the run's instant; gaps stay empty.

    `frame` is ``audit.frame("ingest_over_time")``: via, time, records, seconds (of an interval), until.
    """
    ways = {str(name): part for name, part in frame.groupby("via")}
    until = pd.to_datetime(frame["until"].iloc[0], utc=True)
    width = float(frame["seconds"].iloc[0])
    with _canvas("Records received over time, by way", 2 * len(ways)) as axes:
        _lanes(axes, list(ways))
        for lane, part in enumerate(ways.values()):
            records = _numbers(part["records"])
            times = _days(part["time"])
            axes.bar(times, 0.8 * records / records.max(), width / 86400, lane + 0.4, color=BLUE, align="edge")
            for bar in axes.containers[-1]:
                bar.set_y(lane + 0.4 - bar.get_height())  # lanes count downwards
            told = f"most {int(records.max()):,} in {_span(width)}\nlongest gap {_span(_gap(times, until, width))}"
            axes.text(1.01, lane, told, transform=axes.get_yaxis_transform(), va="center", fontsize=7)
        axes.hlines(np.arange(len(ways)) + 0.4, 0, 1, transform=axes.get_yaxis_transform(), color=PALE, lw=0.8)
        _time_axis(axes)
        end = float(dates.date2num(until))
        axes.axvline(end, color=GREY, lw=0.8, ls=(0, (4, 3)))
        axes.annotate("audited", (end, 1), xycoords=axes.get_xaxis_transform(), color=GREY, ha="right", va="bottom")
    return axes


def _gap(times: Any, until: pd.Timestamp, width: float) -> float:
    """Return the seconds of the longest stretch without a record, the one up to `until` included."""
    stops = np.append(np.sort(times), dates.date2num(until))
    return max(float(np.diff(stops).max()) * 86400 - width, 0.0)


@_unless_empty("Where the missing records lie")
def missing(frame: pd.DataFrame, by: Literal["time", "id"] = "time") -> Axes:
    """Draw which of the source's records are missing, over the time of their change or in the order of their ids.

    `frame` is ``audit.frame("records_at_source")``: resource, place (0 to 1 in the order of ids), changed_at, missing.
    Resources that lack nothing are left out. A hole in time or at one end tells of a window or a page limit; scattered
    ones tell of single losses.
    """
    known = frame[frame["changed_at"].notna()] if by == "time" else frame
    title = "Where the missing records lie, " + ("by time of change" if by == "time" else "in the order of their ids")
    groups = {str(name): part for name, part in known.groupby("resource") if part["missing"].any()}
    if not groups:
        return _note(title, f"none of {len(known):,} records is missing")
    with _canvas(title, len(groups)) as axes:
        _lanes(axes, list(groups))
        for lane, part in enumerate(groups.values()):
            lost = part["missing"].astype(bool).to_numpy()
            places = _days(part["changed_at"]) if by == "time" else _numbers(part["place"])
            _rug(axes, lane, np.unique(places[~lost]), PALE, 3)
            _rug(axes, lane, np.unique(places[lost]), RED, 9)
            told = f"{lost.sum():,} of {len(part):,} missing"
            axes.text(1.01, lane, told, transform=axes.get_yaxis_transform(), va="center", fontsize=7, color=RED)
        if by == "time":
            _time_axis(axes)
        else:
            axes.set_xticks([0, 1], ["lowest id", "highest id"])
    return axes


def _rug(axes: Axes, lane: int, places: Any, colour: str, size: float) -> None:
    if len(places) > BINS:
        edges = np.linspace(places[0], places[-1], BINS + 1)
        places = edges[np.unique(np.digitize(places, edges[1:-1]))]
    axes.plot(places, np.full(len(places), lane), "|", color=colour, ms=size, mew=1)


@_unless_empty("Fields that differ from the source")
def differences(frame: pd.DataFrame) -> Axes:
    """Draw how many records differ in each field, the most frequent first.

    `frame` is ``audit.frame("differing_fields")``: tenant, resource, field, records, compared; a line for each kind.
    """
    kinds = frame.astype({"records": float, "compared": float}).groupby(["tenant", "resource", "field"])
    counted = kinds.agg({"records": "sum", "compared": "max"}).groupby(["resource", "field"]).sum().reset_index()
    counted = counted.sort_values(["records", "resource", "field"], ascending=[False, True, True])[:MOST_LANES]
    records = counted["records"].to_numpy()
    with _canvas("Fields that differ from the source", len(counted)) as axes:
        lines = counted.to_dict("records")
        _lanes(axes, [f"{line['resource']}.{line['field']}" for line in lines])
        axes.barh(range(len(lines)), records, 0.6, color=RED)
        for lane, line in enumerate(lines):
            told = f" {line['records']:,.0f} of {line['compared']:,.0f}"
            axes.text(line["records"], lane, told, va="center", fontsize=7)
        axes.set_xlim(0, records.max() * 1.25)
        axes.xaxis.set_major_locator(mpl.ticker.MaxNLocator(5, integer=True))
        axes.set_xlabel("records")
    return axes


CLASSES = {"expected": GREY, "loss": RED, "unexplained": INK}


@_unless_empty("Why records differ", "no record differs from the source")
def causes(frame: pd.DataFrame) -> Axes:
    """Draw how many records differ for each cause, in the order of a record's way; no fault is grey, no cause black.

    `frame` is ``audit.frame("differences_by_cause")``: group, cause, class, resource, records. One with these columns
    and no line says that nothing differs.
    """
    counted = frame.astype({"records": int}).groupby(["group", "cause", "class"], sort=False)["records"].sum()
    lines = counted.reset_index()[:MOST_LANES].to_dict("records")
    with _canvas("Why records differ", len(lines)) as axes:
        _lanes(axes, [f"{line['group']}: {line['cause']}" for line in lines])
        axes.barh(range(len(lines)), [line["records"] for line in lines], 0.6)
        for lane, (line, bar) in enumerate(zip(lines, axes.patches, strict=True)):
            bar.set_color(CLASSES[line["class"]])
            told = f" {line['records']:,}" + (" (no fault)" if line["class"] == "expected" else "")
            axes.text(line["records"], lane, told, va="center", fontsize=7)
        axes.set_xlim(0, max(line["records"] for line in lines) * 1.25)
        axes.xaxis.set_major_locator(mpl.ticker.MaxNLocator(5, integer=True))
        axes.set_xlabel("records")
    return axes


@_unless_empty("Objects by their number of versions")
def versions(frame: pd.DataFrame, most: int = 8) -> Axes:
    """Draw how many objects of each resource have one, two, three … versions.

    `frame` is ``audit.frame("versions_per_object")``: resource, versions, objects.
    """
    numbers = frame["versions"].astype(int).clip(upper=most)
    counts = frame.assign(versions=numbers).pivot_table("objects", "resource", "versions", "sum", fill_value=0)
    counts = counts.astype(int).reindex(columns=range(1, int(numbers.max()) + 1), fill_value=0)
    heads = [str(number) if number < most else f"{most}+" for number in range(1, len(counts.columns) + 1)]
    with _canvas("Objects by their number of versions", len(counts) + 0.6) as axes:
        _lanes(axes, [str(name) for name in counts.index])
        # Each line has its own scale: what is told is how a resource's objects spread.
        table = counts.to_numpy()
        shares = table / table.max(axis=1, keepdims=True).clip(1)
        axes.pcolormesh(
            np.where(table > 0, shares, np.nan), cmap=SHADES, vmin=0, vmax=1, edgecolor="white", linewidth=1
        )
        for lane, line in enumerate(table):
            for column, count in enumerate(line):
                colour = "white" if shares[lane, column] > 0.6 else INK
                text = f"{count:,}" if count else "·"
                axes.text(column + 0.5, lane + 0.5, text, ha="center", va="center", color=colour, fontsize=7)
        axes.set_yticks(np.arange(len(counts)) + 0.5, [str(name) for name in counts.index])
        axes.set_ylim(len(counts), 0)
        axes.set_xticks(np.arange(len(heads)) + 0.5, heads)
        axes.set_xlabel("versions")
    return axes


COVERAGE = {
    "covered": ("#cfe3f1", INK),
    "parent": ("#eef4f9", INK),
    "reason": ("#ffffff", GREY),
    "gap": (RED, "white"),
    "unknown": (PALE, INK),
    "unasked": ("#ffffff", GREY),
}
COVERAGE_WORDS = {"reason": "reason given", "gap": "GAP", "unknown": "not known", "unasked": "–"}


@_unless_empty("From the source to the refined table, resource by resource")
def coverage_matrix(frame: pd.DataFrame) -> Axes:
    """Draw what covers each resource at each station between the source and its refined table, or that nothing does.

    `frame` is ``audit.frame("coverage")``: resource, way, state, told. Gaps are dark and say so; a paler field is
    covered by the record that the resource is nested in.
    """
    resources = list(dict.fromkeys(frame["resource"]))
    ways = list(dict.fromkeys(frame["way"]))
    with _canvas("From the source to the refined table, resource by resource", len(resources) * 0.7) as axes:
        for cell in frame.to_dict("records"):
            fill, ink = COVERAGE[cell["state"]]
            column, lane = ways.index(cell["way"]), resources.index(cell["resource"])
            axes.add_patch(Rectangle((column, lane), 1, 1, facecolor=fill, edgecolor="white", linewidth=1.5))
            told = COVERAGE_WORDS.get(cell["state"], str(cell["told"]))
            weight = "bold" if cell["state"] == "gap" else "normal"
            axes.text(
                column + 0.5, lane + 0.5, told, ha="center", va="center", color=ink, fontsize=6.5, fontweight=weight
            )
        axes.set_xlim(0, len(ways))
        axes.set_ylim(len(resources), 0)
        axes.set_yticks(np.arange(len(resources)) + 0.5, resources)
        axes.set_xticks(np.arange(len(ways)) + 0.5, ways)
        axes.xaxis.tick_top()
        axes.tick_params(axis="x", length=0)
        axes.spines["bottom"].set_visible(False)
    return axes


# What a cell of the webhooks' matrix begins with, and as what it is drawn.
ANNOUNCED = {"registered": "covered", "with": "parent", "polled": "said", "never": "said", "": "said"}
ANNOUNCED |= {"not known": "unknown"}
COVERAGE |= {"said": ("#ffffff", GREY), "lost": (RED, "white")}


@_unless_empty("What tells of the changes of each resource")
def webhook_matrix(frame: pd.DataFrame) -> Axes:
    """Draw what tells of each resource's creation, change and deletion, or that nothing does.

    `frame` is ``audit.frame("webhook_matrix")``: resource, create, update, delete, other.
    """
    cells = frame.melt("resource", ["create", "update", "delete", "other"], "way", "told")
    told = cells["told"].str.replace(r"^\d+ (.*)", r"\1", regex=True).str.replace(r" for .*|;.*", "", regex=True)
    states = told.where(told == "not known", told.str.split(" ").str[0]).map(ANNOUNCED).fillna("lost")
    axes = coverage_matrix(cells.assign(state=states, told=told))
    return _retitled(axes, "What tells of the changes of each resource")


@_unless_empty("Deliveries over time, by outcome")
def deliveries(frame: pd.DataFrame) -> Axes:
    """Draw how many deliveries had each outcome in each interval; those that failed are red.

    `frame` is ``audit.frame("deliveries_over_time")``: outcome, accepted, time, deliveries, seconds, until.
    """
    axes = ingest(frame.rename(columns={"outcome": "via", "deliveries": "records"}))
    for outcome, bars in zip(sorted(frame["outcome"].unique()), axes.containers, strict=True):
        if not frame.loc[frame["outcome"] == outcome, "accepted"].any():
            for bar in bars:
                bar.set_color(RED)
    return _retitled(axes, "Deliveries over time, by outcome")


def _retitled(axes: Axes, title: str) -> Axes:
    with mpl.rc_context(STYLE):
        axes.set_title(title, pad=18)
    return axes
