"""What all plots share: one style, one width, lanes with their names, axes of time and of durations."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import matplotlib as mpl
import matplotlib.dates
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython import get_ipython
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from dsaudit.wording import span as _exact_span

dates: Any = mpl.dates  # it has no types
INK, GREY, PALE, BLUE, RED = "#222222", "#767676", "#d9d9d9", "#0072b2", "#c1440e"
SHADES = mpl.colors.LinearSegmentedColormap.from_list("shades", ["#e8f1f8", BLUE])
WIDTH = 6.05  # inches; with the margin that a notebook's display adds, 900 pixels
LANE = 0.3  # inches for each line of a plot
LETTERS = 100  # of a line of words that the width has room for
BINS = 400  # as many as can be told apart over the width
MOST_LANES = 40
DAY = 86400  # seconds
MOST_TICKS = 8  # of an axis of durations; of more the names would touch
SMALL = 8  # points of what stands beside the lines; less cannot be read where a page is narrower than the picture
STYLE: Any = {
    "figure.dpi": 144,
    "font.size": 8,
    "text.color": INK,
    "text.parse_math": False,  # a $ in a name is a $
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.labelsize": 8,
    "axes.spines.left": False,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "xtick.color": INK,
    "ytick.color": INK,
    "ytick.major.size": 0,
}
Plot = Callable[..., Axes]
SPANS = {0.01: "10 ms", 0.1: "0.1 s", 1: "1 s", 10: "10 s", 60: "1 min", 600: "10 min", 3600: "1 h", 86400: "1 day"}
SPANS |= {864000: "10 days", 8640000: "100 days"}
# How an axis of instants names years, months, days, hours, minutes and seconds; the first of each by what it begins.
TICKS = ["%Y", "%Y-%m", "%m-%d", "%H:%M", "%H:%M", "%H:%M:%S"]
FIRST_TICKS = ["", "%Y", "%Y-%m", "%m-%d", "%H:%M", "%H:%M"]
BESIDE = ["", "", "%Y", "%Y-%m-%d", "%Y-%m-%d", "%Y-%m-%d"]  # what the names leave out


def span(seconds: float) -> str:
    """Return a length of time in its own units, in the three digits that a picture can tell apart."""
    return _exact_span(float(f"{seconds:.3g}") if abs(seconds) < 60 else seconds)


class Told(Figure):
    """A figure that a notebook keeps with a sentence for those who do not see it: its title, and what stands out."""

    said = "nothing to show"

    def _repr_mimebundle_(self, *_: object, **__: object) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the sentence, and it beside the picture too, which is made by `as_png`."""
        sentence = f"{self.axes[0].get_title(loc='left')}: {self.said}."
        return {"text/plain": sentence}, {"image/png": {"alt": sentence}}

    def as_png(self) -> bytes:
        """Return the picture as a notebook shows it, in at most 256 colours: a third of the bytes of all that can be.

        No eye sees the difference: few plots have more colours, most of them between a letter and its ground.
        """
        drawn, small = io.BytesIO(), io.BytesIO()
        self.savefig(drawn, format="png", dpi=self.dpi, bbox_inches="tight", pil_kwargs={"compress_level": 0})
        with Image.open(drawn) as picture:
            colours = picture.convert("RGB").quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        colours.save(small, format="png")
        return small.getvalue()


def say(axes: Axes, words: str) -> None:
    """Say what stands out in a plot."""
    axes.get_figure(root=True).said = words  # type: ignore[union-attr]


@contextmanager
def canvas(title: str, lines: float) -> Iterator[Axes]:
    """Make a figure of so many lines, in our style and without a word of it left in the global one."""
    with panels(title, lines, 1) as (axes,):
        yield axes


@contextmanager
def panels(title: str, lines: float, count: int) -> Iterator[list[Axes]]:
    """Make a figure as `canvas` does, with several axes side by side that have their lanes in common."""
    # A notebook's backend turns the interactive mode on when it is loaded; within the context that would be undone,
    # and only the first plot of a notebook would be shown.
    plt.draw_if_interactive()  # type: ignore[no-untyped-call]
    if shell := get_ipython():
        shell.display_formatter.formatters["image/png"].for_type(Told, Told.as_png)  # else it would be the Figure's
    with mpl.rc_context(STYLE):
        size = (WIDTH, 0.9 + LANE * lines)
        figure, grid = plt.subplots(
            1, count, sharey=True, squeeze=False, figsize=size, layout="constrained", FigureClass=Told
        )
        # A notebook cuts a figure down to what is drawn on it; this keeps all of one width.
        figure.add_artist(Rectangle((0, 0), 1, 1, fill=False, linewidth=0, transform=figure.transFigure))
        grid[0, 0].set_title(title, pad=18)
        yield list(grid[0])
    figure.stale = False  # a notebook would draw it when its cell ends, and then again to show it


def retitled(axes: Axes, title: str) -> Axes:
    """Give a plot that another function drew its own title."""
    with mpl.rc_context(STYLE):
        axes.set_title(title, pad=18)
    return axes


def unless_empty(title: str, none: str = "nothing to show") -> Callable[[Plot], Plot]:
    """Let a plot of an empty frame be axes that say so as `nothing` does, also where one beside it is not known."""

    def decorated(draw: Plot) -> Plot:
        @wraps(draw)
        def plot(frame: pd.DataFrame, *options: Any) -> Axes:
            beside = next((one for one in options if isinstance(one, pd.DataFrame) and "unshown" in one.attrs), frame)
            return draw(frame, *options) if len(frame) and beside is frame else nothing(title, beside, none)

        return plot

    return decorated


def nothing(title: str, frame: pd.DataFrame, none: str) -> Axes:
    """Say of an empty frame why nothing of it is drawn; `none` where it has columns and no line."""
    if unshown := frame.attrs.get("unshown"):
        return note(title, f"could not be shown: {unshown}")
    return note(title, none if len(frame.columns) else "nothing to show")


def note(title: str, words: str) -> Axes:
    """Return axes that hold a few words and nothing else."""
    lines = textwrap.wrap(words, LETTERS)
    with canvas(title, (len(lines) - 1) * 0.4) as axes:
        axes.set_axis_off()
        axes.text(0, 1, "\n".join(lines), color=GREY, transform=axes.transAxes, va="top")
        say(axes, words)
    return axes


def lanes(axes: Axes, names: list[str]) -> None:
    """Name the lines of a plot, the first on top."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)


def limit(axes: Axes, value: float, name: str) -> None:
    """Draw a limit across the lanes, with its name above."""
    axes.axvline(value, color=INK, lw=1, ls=(0, (4, 3)))
    axes.annotate(name, (value, 1), xycoords=axes.get_xaxis_transform(), ha="center", va="bottom", fontweight="bold")


def span_axis(axes: Axes, low: float, high: float) -> None:
    """Give the plot an axis of durations, from milliseconds to days."""
    low = max(place for place in SPANS if place <= max(low, min(SPANS)))
    axes.set_xscale("log")
    axes.set_xlim(low * 0.9, high)
    shown: dict[float, str] = {}
    for place, name in SPANS.items():
        if low <= place <= high and (not shown or np.log(place / max(shown)) > np.log(high / low) / MOST_TICKS):
            shown[place] = name
    axes.set_xticks(list(shown), [name if place > min(SPANS) else f"≤ {name}" for place, name in shown.items()])
    axes.xaxis.set_minor_locator(mpl.ticker.NullLocator())
    axes.grid(axis="x", color=PALE, lw=0.6)
    axes.set_axisbelow(True)


def time_axis(axes: Axes) -> None:
    """Give the plot an axis of instants in UTC."""
    locator = dates.AutoDateLocator(minticks=2, maxticks=6)
    axes.xaxis.set_major_locator(locator)
    form = dates.ConciseDateFormatter(locator, formats=TICKS, zero_formats=FIRST_TICKS, offset_formats=BESIDE)
    axes.xaxis.set_major_formatter(form)
    axes.set_xlabel("time (UTC)")


def numbers(column: pd.Series) -> Any:
    """Return a column of numbers, whatever its type, as floats."""
    return column.astype(float).to_numpy()


def days(column: pd.Series) -> Any:
    """Return a column of instants as the days that matplotlib counts in."""
    return dates.date2num(pd.to_datetime(column, utc=True).to_numpy())
