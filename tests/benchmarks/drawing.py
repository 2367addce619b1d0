"""Pictures of figures, beside the README that shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl

from dsaudit import canvas
from tests.benchmarks.cost import README

PLAIN: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "dsaudit",
    "font.family": "sans-serif",
}  # letters, no outlines of them


def bars(name: str, title: str, values: Mapping[str, float], unit: str) -> str:
    """Draw a bar for each name, the shortest of which is ours, and return the line that shows it in the README."""
    with mpl.rc_context(PLAIN), canvas.canvas(title, len(values)) as axes:
        colours = [canvas.BLUE if name.startswith("dsaudit") else canvas.GREY for name in values]
        drawn = axes.barh(range(len(values)), list(values.values()), height=0.6, color=colours)
        axes.bar_label(drawn, labels=[f"{value:.1f} {unit}" for value in values.values()], padding=4)
        canvas.lanes(axes, list(values))
        axes.set_xticks([])
        axes.margins(x=0.15)
        axes.spines["bottom"].set_visible(False)
        return _kept(axes, name, title)


def lines(name: str, title: str, sizes: Sequence[int], sides: Mapping[str, Sequence[float]], unit: str) -> str:
    """Draw a line for each side over the sizes, both in powers of ten, and return the line that shows it."""
    with mpl.rc_context(PLAIN), canvas.canvas(title, 8) as axes:
        for colour, (side, values) in zip((canvas.BLUE, canvas.GREY, canvas.RED), sides.items(), strict=False):
            axes.loglog(sizes, values, color=colour, marker="o", markersize=4)
            axes.annotate(side, (sizes[-1], values[-1]), xytext=(6, 0), textcoords="offset points", va="center")
        axes.set_xticks(sizes, [f"{size:,}".replace(",", " ") for size in sizes])
        axes.xaxis.set_minor_locator(mpl.ticker.NullLocator())
        axes.yaxis.set_major_formatter(mpl.ticker.StrMethodFormatter("{x:,.0f}"))
        axes.yaxis.set_minor_locator(mpl.ticker.NullLocator())
        axes.set_xlabel("raw rows")
        axes.set_ylabel(unit)
        axes.grid(color=canvas.PALE, lw=0.6)
        axes.margins(x=0.05)
        return _kept(axes, name, title)


def _kept(axes: mpl.axes.Axes, name: str, title: str) -> str:
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.savefig(README.with_name(f"{name}.svg"), metadata={"Date": None}, bbox_inches="tight")
    return f"![{title}]({name}.svg)"
