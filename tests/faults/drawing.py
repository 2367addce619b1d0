"""The matrix of faults and checks as a picture, and the rivals beside dsaudit as bars."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from dsaudit.canvas import BLUE, GREY, INK, PALE, RED, STYLE
from dsaudit.verdict.card import plural
from tests.benchmarks.drawing import PLAIN
from tests.faults.cells import Matrix, State

# Told apart by shade and sign as well as by colour.
LOOKS = {
    State.ROOT: (BLUE, "", "found by the check that has to find it"),
    State.FOLLOWS: ("#a9cde6", "", "fails too, as the key says"),
    State.MISSED: (RED, "×", "missed, in at least one planting"),
    State.BESIDE: ("#f0b95a", "!", "fails, and the key does not know why"),
}
ROW, WIDE = 0.135, 0.2  # inches of a cell; where there are many checks it is less wide
TITLE, GAP, LEGEND, EDGE = 0.5, 0.28, 0.5, 0.12  # inches
LETTERS, LETTER = 6.8, 0.058  # points; the usual width of one, in inches
LEAST = 10.9  # inches of the picture, for the legend
WIDEST = 5.2  # inches of a panel's cells


@contextmanager
def _figure(width: float, height: float, path: Path) -> Iterator[Figure]:
    """Make a figure in our style, of inches, and keep it as a file that is the same for the same figures."""
    with mpl.rc_context({**STYLE, **PLAIN}):
        figure = Figure(figsize=(width, height))
        yield figure
        figure.savefig(path, metadata={"Date": None}, facecolor="white")


def matrix(panels: Mapping[str, Matrix], path: Path) -> None:
    """Draw a panel for each blueprint: a row for each kind of fault, a column for each check that has to find one.

    The rows of one mode stand together. Beside each row stands its root, and what went wrong with it.
    """
    rows = [row for panel in panels.values() for row in panel.rows]
    left = EDGE + LETTER * max(len(row.name) for row in rows) + 0.35
    width = left + WIDEST + LETTER * max(1.15 * len(row.wrong) or len(row.root) for row in rows) + 0.2
    width = max(width, LEAST)
    heights = [TITLE + ROW * len(panel.rows) + GAP for panel in panels.values()]
    height = LEGEND + sum(heights)
    with _figure(width, height, path) as figure:
        _legend(figure, width, height)
        top = height - LEGEND
        for (name, panel), tall in zip(panels.items(), heights, strict=True):
            across = min(WIDEST, WIDE * len(panel.checks))
            below = top - TITLE - ROW * len(panel.rows)
            place = (left / width, below / height, across / width, ROW * len(panel.rows) / height)
            axes = figure.add_axes(place)
            _panel(axes, panel)
            kinds = plural(len(panel.rows), "kind of fault", "kinds of faults")
            _titles(axes, f"{name}: {kinds}, {plural(len(panel.checks), 'check')}", left, across)
            top -= tall


def _panel(axes: Axes, panel: Matrix) -> None:
    axes.set_xlim(0, len(panel.checks))
    axes.set_ylim(len(panel.rows), 0)
    _bands(axes, panel)
    for place, row in enumerate(panel.rows):
        for check, state in row.cells.items():
            _cell(axes, panel.checks.index(check), place, state)
        colour, weight = (RED, "bold") if row.wrong else (INK, "normal")
        axes.annotate(
            row.wrong or row.root, (len(panel.checks), place + 0.53), xytext=(7, 0), textcoords="offset points",
            va="center", color=colour, fontsize=LETTERS, fontweight=weight, annotation_clip=False,
        )  # fmt: skip
    axes.set_yticks([place + 0.5 for place in range(len(panel.rows))], [row.name for row in panel.rows])
    axes.tick_params(axis="y", labelsize=LETTERS, pad=20)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)


def _cell(axes: Axes, column: int, place: int, state: State) -> None:
    fill, sign, _ = LOOKS[state]
    axes.add_patch(Rectangle((column, place), 1, 1, facecolor=fill, edgecolor="white", linewidth=0.5))
    if sign:
        _sign(axes, (column + 0.5, place + 0.53), sign)


def _sign(axes: Axes, place: tuple[float, float], sign: str) -> None:
    colour = "white" if sign == "×" else INK
    axes.text(*place, sign, ha="center", va="center", color=colour, fontsize=LETTERS, fontweight="bold")


def _titles(axes: Axes, told: str, left: float, across: float) -> None:
    """Write a panel's title above it, and what stands on either side of its cells, `across` inches wide."""
    for x, y, words, look in (
        (EDGE - left, 0.3, told, {"fontsize": 9, "fontweight": "bold"}),
        (-0.1, 0.08, "mode", {"color": GREY, "ha": "right"}),
        (across + 0.1, 0.08, "the check that has to find it", {"color": GREY}),
    ):
        axes.annotate(words, (0, 0), xytext=(72 * x, 72 * y), textcoords="offset points", annotation_clip=False, **look)


def _bands(axes: Axes, panel: Matrix) -> None:
    """Shade every second mode, and write the number of each beside its first row."""
    modes = [row.mode for row in panel.rows]
    starts = [place for place, mode in enumerate(modes) if place == 0 or modes[place - 1] != mode]
    for number, (start, end) in enumerate(zip(starts, [*starts[1:], len(modes)], strict=True)):
        if number % 2 == 0:
            axes.add_patch(Rectangle((0, start), len(panel.checks), end - start, facecolor="#f4f5f7", linewidth=0))
        axes.annotate(
            str(modes[start] or "–"), (0, start + 0.53), xytext=(-11, 0), textcoords="offset points", ha="center",
            va="center", color=GREY, fontsize=LETTERS, annotation_clip=False,
        )  # fmt: skip


def _legend(figure: Figure, width: float, height: float) -> None:
    """Say what a cell of each colour means."""
    axes = figure.add_axes((0, (height - LEGEND) / height, 1, LEGEND / height))
    axes.set_axis_off()
    axes.set_xlim(0, width)
    axes.set_ylim(0, LEGEND)
    left, middle = EDGE, LEGEND / 2
    for fill, sign, told in LOOKS.values():
        axes.add_patch(Rectangle((left, middle - ROW / 2), ROW, ROW, facecolor=fill, linewidth=0))
        _sign(axes, (left + ROW / 2, middle), sign)
        axes.text(left + ROW + 0.08, middle, told, va="center")
        left += ROW + 0.35 + 0.068 * len(told)


def bars(values: Mapping[str, tuple[int, int, int]], path: Path) -> None:
    """Draw for each tool what it found of all plantings, on what it could see of them; ours is the first.

    `values` are found, could see, all.
    """
    with _figure(8, 0.7 + 0.34 * len(values), path) as figure:
        axes = figure.add_axes((0.24, 0.06, 0.5, 0.94 - 0.4 / (0.7 + 0.34 * len(values))))
        places, told = range(len(values)), list(values.values())
        axes.barh(places, [100 * see / (of or 1) for _, see, of in told], height=0.62, color=PALE)
        colours = [BLUE if name.startswith("dsaudit") else GREY for name in values]
        axes.barh(places, [100 * found / (of or 1) for found, _, of in told], height=0.62, color=colours)
        _named(axes, list(values), told)


def _named(axes: Axes, names: Sequence[str], told: Sequence[tuple[int, int, int]]) -> None:
    for place, (found, see, of) in enumerate(told):
        words = f"{found} of {of}" if see == of else f"{found} of {of}; of {see} it can see"
        axes.text(102, place, words, va="center")
    axes.set_xlim(0, 100)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_yticks(range(len(names)), names)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    axes.set_title("Planted faults found, on those that the tool can see as it is set up", x=0)
