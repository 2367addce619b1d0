"""Plots of what comes and when: latency, backlog, ingest over time, deliveries, versions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from dsaudit.canvas import BLUE, GREY, INK, PALE, RED, SHADES, SMALL, SPANS, dates, retitled
from dsaudit.canvas import canvas as _canvas
from dsaudit.canvas import days as _days
from dsaudit.canvas import lanes as _lanes
from dsaudit.canvas import limit as _limit
from dsaudit.canvas import numbers as _numbers
from dsaudit.canvas import say as _say
from dsaudit.canvas import span as _span
from dsaudit.canvas import span_axis as _span_axis
from dsaudit.canvas import time_axis as _time_axis
from dsaudit.canvas import unless_empty as _unless_empty
from dsaudit.verdict.card import plural


@_unless_empty("From the change at the source to the refined row")
def latency(frame: pd.DataFrame) -> Axes:
    """Draw every change's latency by resource, with median and 95th percentile, against the limit.

    `frame` is ``audit.frame("hops")``: resource, together (seconds), limit_seconds.
    """
    return _spread(frame, "together", "From the change at the source to the refined row", "change")


@_unless_empty("How long received records have waited to be refined")
def backlog(frame: pd.DataFrame) -> Axes:
    """Draw the age of every record that waits for its refinement, by resource, against the limit.

    `frame` is ``audit.frame("waiting")``: resource, seconds_waiting, limit_seconds.
    """
    return _spread(frame, "seconds_waiting", "How long received records have waited to be refined", "record")


def _spread(frame: pd.DataFrame, column: str, title: str, noun: str) -> Axes:
    """Draw a lane for each resource, the slowest on top."""
    groups = {str(name): np.sort(_numbers(part[column])) for name, part in frame.groupby("resource")}
    groups = dict(sorted(groups.items(), key=lambda one: -np.quantile(one[1], 0.95)))
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
            told = f"median {_span(middle)}, p95 {_span(high)}, {plural(len(shown), noun)}"
            axes.text(1.01, lane, told, transform=axes.get_yaxis_transform(), va="center", color=INK, fontsize=SMALL)
        every = np.concatenate(list(groups.values()))
        _span_axis(axes, float(every.min()), max(limit * 2, float(every.max()) * 1.5))
        _limit(axes, limit, f"limit {_span(limit)}")
        slowest = next(iter(groups))
        median, high = np.quantile(groups[slowest], [0.5, 0.95])
        _say(axes, f"the longest is {slowest}, median {_span(median)}, p95 {_span(high)}; the limit is {_span(limit)}")
    return axes


@_unless_empty("Records received over time, by way")
def ingest(frame: pd.DataFrame) -> Axes:
    """Draw how many records came by each way in each interval, up to the run's instant; gaps stay empty.

    `frame` is ``audit.frame("ingest_over_time")``: via, time, records, seconds (of an interval), until.
    """
    frame = frame.assign(via=_named(frame["via"]))
    ways = {str(name): part for name, part in frame.groupby("via")}
    until = pd.to_datetime(frame["until"].iloc[0], utc=True)
    width = float(frame["seconds"].iloc[0])
    gaps = {name: _gap(_days(part["time"]), until, width) for name, part in ways.items()}
    with _canvas("Records received over time, by way", 2 * len(ways)) as axes:
        _lanes(axes, list(ways))
        for lane, (name, part) in enumerate(ways.items()):
            records = _numbers(part["records"])
            times = _days(part["time"])
            axes.bar(times, 0.8 * records / records.max(), width / 86400, lane + 0.4, color=BLUE, align="edge")
            for bar in axes.containers[-1]:
                bar.set_y(lane + 0.4 - bar.get_height())  # lanes count downwards
            told = f"most {int(records.max()):,} in {_span(width)}\nlongest gap {_span(gaps[name])}"
            axes.text(1.01, lane, told, transform=axes.get_yaxis_transform(), va="center", fontsize=SMALL)
        axes.hlines(np.arange(len(ways)) + 0.4, 0, 1, transform=axes.get_yaxis_transform(), color=PALE, lw=0.8)
        _time_axis(axes)
        end = float(dates.date2num(until))
        axes.axvline(end, color=GREY, lw=0.8, ls=(0, (4, 3)))
        axes.annotate("audited", (end, 1), xycoords=axes.get_xaxis_transform(), color=GREY, ha="right", va="bottom")
        top = frame.iloc[int(np.argmax(_numbers(frame["records"])))]
        idle = max(gaps, key=gaps.__getitem__)
        most = f"at most {int(top['records']):,} in {_span(width)} ({top['via']})"
        _say(axes, f"{most}; the longest gap is {_span(gaps[idle])} ({idle})")
    return axes


def _named(column: pd.Series) -> pd.Series:
    """Return the names of lanes: a row without one is drawn too."""
    return column.fillna("not told").astype(str)


def _gap(times: Any, until: pd.Timestamp, width: float) -> float:
    """Return the seconds of the longest stretch without a record, the one up to `until` included."""
    stops = np.append(np.sort(times), dates.date2num(until))
    return max(float(np.diff(stops).max()) * 86400 - width, 0.0)


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
                axes.text(column + 0.5, lane + 0.5, text, ha="center", va="center", color=colour, fontsize=SMALL)
        axes.set_yticks(np.arange(len(counts)) + 0.5, [str(name) for name in counts.index])
        axes.set_ylim(len(counts), 0)
        axes.set_xticks(np.arange(len(heads)) + 0.5, heads)
        axes.set_xlabel("versions")
        top = frame.iloc[int(np.argmax(_numbers(frame["versions"])))]
        _say(axes, f"at most {int(top['versions']):,} of one object, of {top['resource']}")
    return axes


@_unless_empty("Deliveries over time, by outcome")
def deliveries(frame: pd.DataFrame) -> Axes:
    """Draw how many deliveries had each outcome in each interval; those that failed are red and bear a cross.

    `frame` is ``audit.frame("deliveries_over_time")``: outcome, accepted, time, deliveries, seconds, until.
    """
    outcome = _named(frame["outcome"])
    is_taken = frame["accepted"].groupby(outcome).transform("any").astype(bool)
    marked = outcome.where(is_taken, "✗ " + outcome)
    axes = ingest(frame.assign(via=marked).rename(columns={"deliveries": "records"}))
    for name, bars in zip(sorted(marked.unique()), axes.containers, strict=True):
        if name.startswith("✗"):
            for bar in bars:
                bar.set_color(RED)
    return retitled(axes, "Deliveries over time, by outcome")


@_unless_empty("Webhooks received over time, by tenant")
def webhooks(frame: pd.DataFrame, silences: pd.DataFrame) -> Axes:
    """Draw how many webhooks came to each tenant in each interval, and mark where they fell silent.

    `frame` is ``audit.frame("webhooks_over_time")``: tenant, time, records, seconds, until; `silences` is
    ``audit.frame("webhook_silences")``: tenant, resource, silent_from, silent_to.
    """
    axes = ingest(frame.rename(columns={"tenant": "via"}))
    order = sorted(_named(frame["tenant"]).unique())
    for one in silences.to_dict("records"):
        if str(one["tenant"]) in order:
            begin, end = dates.date2num([pd.Timestamp(one["silent_from"]), pd.Timestamp(one["silent_to"])])
            lane = order.index(str(one["tenant"]))
            axes.barh(lane, end - begin, 0.8, left=begin, color=RED, alpha=0.25, linewidth=0)
            told = "silent" if one["resource"] == "all" else f"{one['resource']} silent"
            axes.text((begin + end) / 2, lane - 0.42, told, ha="center", va="bottom", color=RED, fontsize=SMALL)
    if len(silences):
        first = silences.iloc[0]
        span = _span((pd.Timestamp(first["silent_to"]) - pd.Timestamp(first["silent_from"])).total_seconds())
        _say(
            axes, f"{plural(len(silences), 'silence')} while the source changed, the first of {first['tenant']}, {span}"
        )
    return retitled(axes, "Webhooks received over time, by tenant")


@_unless_empty("Lines of the application's log over time, by level")
def log(frame: pd.DataFrame) -> Axes:
    """Draw how many lines the application logged at each level in each interval; errors are red and bear a cross.

    `frame` is ``audit.frame("log_over_time")``: level, is_error, time, lines, seconds, until.
    """
    marked = frame.assign(accepted=~frame["is_error"].astype(bool))
    axes = deliveries(marked.rename(columns={"level": "outcome", "lines": "deliveries"}))
    return retitled(axes, "Lines of the application's log over time, by level")
