"""Plots of what is covered: a matrix of resources and of what they need."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from dsaudit.canvas import GREY, INK, MOST_LANES, PALE, RED
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
FIELDS = 630  # letters that the width of a matrix has room for, times their size in points
LEAST = 6.0  # points of a letter; what needs a smaller one is cut
COVERAGE_WORDS = {"reason": "reason given", "gap": "GAP", "unknown": "not known", "unasked": "–"}


@_unless_empty("From the source to the refined table, resource by resource")
def coverage_matrix(frame: pd.DataFrame) -> Axes:
    """Draw what covers each resource at each station between the source and its refined table, or that nothing does.

    `frame` is ``audit.frame("coverage")``: resource, way, state, told. Gaps are dark and say so; a paler field is
    covered by the record that the resource is nested in.
    """
    return _matrix(frame, "From the source to the refined table, resource by resource")


def _matrix(frame: pd.DataFrame, title: str) -> Axes:
    """Draw a lane for each `resource` and a column for each `way`; many lanes are lower ones."""
    resources = list(dict.fromkeys(frame["resource"]))
    ways = list(dict.fromkeys(frame["way"]))
    lane, size = (0.75, 7.5) if len(resources) <= 2 * MOST_LANES else (0.45, 6.5)
    with _canvas(title, len(resources) * lane) as axes:
        for cell in frame.to_dict("records"):
            fill, ink = COVERAGE[cell["state"]]
            column, place = ways.index(cell["way"]), resources.index(cell["resource"])
            axes.add_patch(Rectangle((column, place), 1, 1, facecolor=fill, edgecolor="white", linewidth=1.5))
            sign = "↗ " if cell["state"] == "elsewhere" else ""  # told from a gap without its colour
            told = sign + COVERAGE_WORDS.get(cell["state"], str(cell["told"]))
            weight = "bold" if cell["state"] in GAPS else "normal"
            fitting = FIELDS / len(ways) / max(len(told), 1)
            if fitting < LEAST:
                told, fitting = f"{told[: int(FIELDS / len(ways) / LEAST) - 1]}…", LEAST
            axes.text(
                column + 0.5,
                place + 0.5,
                told,
                ha="center",
                va="center",
                color=ink,
                fontsize=min(size, fitting),
                fontweight=weight,
            )
        axes.set_xlim(0, len(ways))
        axes.set_ylim(len(resources), 0)
        axes.set_yticks(np.arange(len(resources)) + 0.5, resources, fontsize=size + 0.5)
        axes.set_xticks(np.arange(len(ways)) + 0.5, ways, fontsize=7.5)
        axes.xaxis.tick_top()
        axes.tick_params(axis="x", length=0)
        axes.spines["bottom"].set_visible(False)
        _say(axes, _gaps(frame))
    return axes


def _gaps(frame: pd.DataFrame) -> str:
    """Return how many gaps there are, and where the first is."""
    gaps = frame[frame["state"].isin(GAPS)]
    named = [f"{one['resource']}, {one['way']}" for one in gaps.to_dict("records")[:1]]
    unknown = int((frame["state"] == "unknown").sum())
    told = f"{plural(len(gaps), 'gap')}, the first at {named[0]}" if named else "no gap"
    return told + (f"; {plural(unknown, 'field')} not known" if unknown else "")


# What a cell of the webhooks' matrix begins with, and as what it is drawn.
ANNOUNCED = {"registered": "covered", "with": "parent", "polled": "said", "never": "said", "": "said"}
ANNOUNCED |= {"not known": "unknown", "elsewhere": "elsewhere"}
COVERAGE |= {"said": ("#ffffff", GREY), "lost": (RED, "white"), "elsewhere": ("#f0b95a", INK)}
GAPS = ("gap", "lost", "elsewhere")
NO_RESOURCE = "no resource"


@_unless_empty("What tells of the changes of each resource")
def webhook_matrix(frame: pd.DataFrame) -> Axes:
    """Draw what tells of each resource's creation, change and deletion, or that nothing does.

    `frame` is ``audit.frame("webhook_matrix")``: resource, create, update, delete, other.
    """
    cells = frame.melt("resource", ["create", "update", "delete", "other"], "way", "told")
    told = cells["told"].str.replace(r"^\d+ (.*)", r"\1", regex=True).str.replace(r" for .*|;.*", "", regex=True)
    states = told.where(told == "not known", told.str.split(" ").str[0]).map(ANNOUNCED).fillna("lost")
    return _matrix(cells.assign(state=states, told=told), "What tells of the changes of each resource")


@_unless_empty("Who knows of each topic")
def topic_matrix(frame: pd.DataFrame) -> Axes:
    """Draw each topic at each side, from the catalogue to our own record; what is lost at a side is dark.

    `frame` is ``audit.frame("topic_matrix")``: resource, topic, side, state, told. Of many topics, those of a resource
    that lack nothing are one lane. What is registered to another address has an arrow.
    """
    many = frame["topic"].nunique() > MOST_LANES
    lost = set(frame.loc[frame["state"].isin(GAPS), "resource"])
    lanes: list[pd.DataFrame] = []
    for name, part in frame.groupby("resource", sort=False):
        whole = many and name not in lost
        lanes.append(_together(str(name), part) if whole else _each(str(name), part))
    return _matrix(pd.concat(lanes, ignore_index=True), "Who knows of each topic")


def _each(name: str, part: pd.DataFrame) -> pd.DataFrame:
    """Return a lane for each topic; the first tells the resource where the topic's own name does not."""
    first = str(part["topic"].iloc[0])
    named = first if name and first.startswith(name) else f"{name or NO_RESOURCE}:  {first}"
    return part.assign(resource=part["topic"].where(part["topic"] != first, named), way=part["side"])


def _together(name: str, part: pd.DataFrame) -> pd.DataFrame:
    """Return one lane for all topics of a resource, with how many of them each side knows."""
    lane = f"{name or NO_RESOURCE}:  {plural(part['topic'].nunique(), 'topic')}"
    rows = []
    for side, cells in part.groupby("side", sort=False):
        known = int((cells["state"] == "covered").sum())
        state = next((one for one in ("unknown", "covered") if (cells["state"] == one).any()), cells["state"].iloc[0])
        told = f"{known} of {len(cells)}" if known < len(cells) else "yes"
        rows.append({"resource": lane, "way": side, "state": state, "told": told if known else "no"})
    return pd.DataFrame(rows)
