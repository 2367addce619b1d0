"""Plots of what is covered: a matrix of resources and of what they need."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from dsaudit.canvas import GREY, INK, PALE, RED, retitled
from dsaudit.canvas import canvas as _canvas
from dsaudit.canvas import say as _say
from dsaudit.canvas import unless_empty as _unless_empty
from dsaudit.verdict.card import plural

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
        _say(axes, _gaps(frame))
    return axes


def _gaps(frame: pd.DataFrame) -> str:
    """Return how many gaps there are, and where the first is."""
    gaps = frame[frame["state"].isin(("gap", "lost"))]
    named = [f"{one['resource']}, {one['way']}" for one in gaps.to_dict("records")[:1]]
    unknown = int((frame["state"] == "unknown").sum())
    told = f"{plural(len(gaps), 'gap')}, the first at {named[0]}" if named else "no gap"
    return told + (f"; {plural(unknown, 'field')} not known" if unknown else "")


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
    return retitled(axes, "What tells of the changes of each resource")
