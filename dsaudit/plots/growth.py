"""The plot of how the declared queries grow with their tables: a lane for each query, a dot for each size."""

from __future__ import annotations

import textwrap

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from dsaudit.canvas import BLUE, INK, PALE, RED, SMALL, lanes, note, numbers, panels, say, unless_empty
from dsaudit.verdict.card import plural

TITLE = "How the declared queries grow with their tables"
MOST = 40  # queries that are drawn, those that grow fastest
SIZES = (3.5, 5.0, 6.5)  # points of the dots, the smallest tables first
PANELS = {"handled": "rows handled", "milliseconds": "milliseconds"}
LEAST = {"handled": 1.0, "milliseconds": 0.01}
TICKS = 4  # of an axis; of more the names would touch
LONGEST = 20  # letters of a name in one line
THOUSANDS = ("", "k", "M", "G")


@unless_empty(TITLE)
def query_growth(frame: pd.DataFrame) -> Axes:
    """Draw what each query handled and took at each size of its tables, and how far it may have grown.

    `frame` is ``audit.frame("query_growth")``: query, rows (of each table), handled, milliseconds, power, allowed. On
    the left a mark stands where the query may be with the largest tables; one beyond it is red, with diamonds.
    """
    frame = frame[frame["rows"].notna()] if "rows" in frame else frame[:0]
    if frame.empty:
        return note(TITLE, "no query could be measured")
    fastest = frame.assign(power=numbers(frame["power"])).groupby("query")["power"].max()
    names = [str(name) for name in fastest.sort_values(ascending=False, na_position="last").index[:MOST]]
    with panels(TITLE, 1.3 * len(names), 2) as both:
        for axes, (column, label) in zip(both, PANELS.items(), strict=True):
            axes.set_xscale("log")
            for lane, name in enumerate(names):
                _draw(axes, lane, frame[frame["query"] == name].sort_values("rows"), column)
            axes.set_xlabel(label, loc="left")
            _ticks(axes)
            axes.grid(axis="x", color=PALE, lw=0.6)
            axes.set_axisbelow(True)
        left, right = both
        lanes(left, ["\n".join(textwrap.wrap(name.replace("_", "_ "), LONGEST)).replace("_ ", "_") for name in names])
        for lane, name in enumerate(names):
            told = _power(frame[frame["query"] == name].iloc[0])
            right.text(1.03, lane, told, transform=right.get_yaxis_transform(), va="center", fontsize=SMALL)
        sizes = [_short(float(size)) for size in sorted(set(frame["rows"]))]
        rest = len(fastest) - len(names)
        more = f"\n{plural(rest, 'query', 'queries')} not drawn" if rest else ""
        told = f"dots: {', '.join(sizes)} rows a table\n| as far as it may grow{more}"
        left.set_xlabel(f"{PANELS['handled']}\n{told}", loc="left")
        say(left, _told(frame))
    return left


def _draw(axes: Axes, lane: int, own: pd.DataFrame, column: str) -> None:
    places, first = np.maximum(numbers(own[column]), LEAST[column]), own.iloc[0]
    colour, marker = (RED, "D") if _is_beyond(first) else (BLUE, "o")
    axes.plot(places, [lane] * len(places), color=colour, lw=1.2, zorder=2)
    for place, size in zip(places, SIZES, strict=False):
        axes.plot(place, lane, marker, color=colour, ms=size, mec="white", mew=0.6, zorder=3)
    if column == "handled":
        grown = float(own["rows"].iloc[-1]) / float(first["rows"])
        axes.plot(places[0] * grown ** float(first["allowed"]), lane, "|", color=INK, ms=11, mew=1.2, zorder=4)


def _ticks(axes: Axes) -> None:
    """Name a few powers of ten, as far apart as they need."""
    low, high = np.log10(axes.get_xlim())
    powers = np.arange(np.ceil(low), np.floor(high) + 1)
    shown = powers[:: max(1, -(-len(powers) // TICKS))]
    axes.set_xticks(10.0**shown, [_short(float(one)) for one in 10.0**shown])
    axes.xaxis.set_minor_locator(mpl.ticker.NullLocator())


def _short(value: float) -> str:
    """Return a number in few letters: 16k."""
    steps = min(len(THOUSANDS) - 1, max(0, int(np.log10(value) + 1e-9) // 3))
    return f"{value / 1000**steps:.3g}{THOUSANDS[steps]}"


def _is_beyond(row: pd.Series) -> bool:
    return not pd.isna(row["power"]) and float(row["power"]) > float(row["allowed"])


def _power(row: pd.Series) -> str:
    power = "not known" if pd.isna(row["power"]) else f"{float(row['power']):.2g}"
    return f"power {power}\nat most {float(row['allowed']):g}"


def _told(frame: pd.DataFrame) -> str:
    first = frame.drop_duplicates("query")
    beyond = [str(row["query"]) for _, row in first.iterrows() if _is_beyond(row)]
    if beyond:
        return f"{', '.join(beyond)}: faster than allowed"
    known = int(first["power"].notna().sum())
    return f"none of {plural(known, 'query', 'queries')} grows faster than it may"
