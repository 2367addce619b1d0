"""Prints a story on a terminal: what happened in the order of time, what changed, and last what is wrong now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from io import StringIO
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from dsaudit.timeline.story import SIGNS_OF, Story, instant_shown, text
from dsaudit.verdict import Status
from dsaudit.verdict.card import SIGNS, visible
from dsaudit.wording import span

COLOURS = {Status.PASS: "green", Status.FAIL: "red", Status.INCONCLUSIVE: "yellow"}
COLOURS_OF = {"good": "green", "bad": "red", "plain": "default"}
MOST_CHANGES = 12  # that are told under one event
WIDTH = 120  # columns where there is no terminal
WIDE = 100  # columns from which on there is room for the time since the event before


def show(story: Story, console: Console) -> None:
    """Print a story on `console`, in colour where it is a terminal."""
    headline = Text(f"{SIGNS[story.status]} ", style=f"bold {COLOURS[story.status]}")
    console.print(headline.append(visible(story.headline, 1000), style="bold"))
    console.print()
    if len(story.events):
        console.print(_timeline(story, console.width >= WIDE))
        console.print()
    for change in _changes(story):
        console.print(change, soft_wrap=True)
    if len(story.events):
        console.print(Text(f"{SIGNS[story.status]} {_sentence(story)}", style=f"bold {COLOURS[story.status]}"))
    for told in _wrong(story):
        console.print(told, soft_wrap=isinstance(told, Text))  # a command stays as it is to be copied
    for title, lines in (("What is not known", story.unknown), ("Also", story.notes)):
        if lines:
            console.print(Text(f"\n{title}", style="bold"))
            for line in lines:
                console.print(_hanging("  - ", line))


def plain(story: Story) -> str:
    """Return a story as text without colours, for what is no terminal."""
    out = StringIO()
    show(story, Console(file=out, width=WIDTH, color_system=None, highlight=False, force_jupyter=False))
    return "\n".join(line.rstrip() for line in out.getvalue().rstrip().splitlines())


def _sentence(story: Story) -> str:
    told = story.reason or {
        Status.PASS: "nothing is wrong with it now",
        Status.FAIL: "wrong now",
        Status.INCONCLUSIVE: "it cannot be told whether something is wrong with it",
    }[story.status]  # fmt: skip
    return visible(told[:1].upper() + told[1:], 1000)


def _timeline(story: Story, is_wide: bool) -> Table:
    """Return the events, each under its day; where it `is_wide` with the time since the one before."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for column in ("number", "sign", "at", "since", "side"):
        table.add_column(column, no_wrap=True, justify="right" if column in ("number", "since") else "left")
    table.add_column("told", ratio=1)
    day, before = "", None
    for one in story.events.to_dict("records"):
        at = None if pd.isna(one["at"]) else one["at"]
        if at is not None and f"{at:%Y-%m-%d}" != day:
            day = f"{at:%Y-%m-%d}"
            table.add_row("", "", Text(day, style="bold"))
        clock = instant_shown(at)[len("2026-11-20 ") :] if at is not None else "—"
        since = f"+{span((at - before).total_seconds())}" if is_wide and at is not None and before is not None else ""
        colour = COLOURS_OF[one["state"]]
        table.add_row(
            Text(str(one["number"]), style="dim"), Text(SIGNS_OF[one["state"]], style=colour), clock,
            Text(since, style="dim"), Text(one["side"], style="cyan"), _told(one, colour),
        )  # fmt: skip
        before = at if at is not None else before
    return table


def _told(one: Mapping[Any, Any], colour: str) -> Text:
    words = Text(visible(one["what"], 1000), style=colour if one["state"] == "bad" else "default")
    return words.append(f" — {visible(one['detail'], 1000)}", style="dim") if one["detail"] else words


def _changes(story: Story) -> Iterator[Text]:
    """Yield what changed, indented under the two states between which it did."""
    for between, rows in story.changes.groupby("between", sort=False):
        yield Text(f"What changed, {between}", style="bold")
        lines = rows.to_dict("records")
        for one in lines[:MOST_CHANGES]:
            before, after = (text(story.value(one[name], one["path"])) for name in ("before", "after"))
            yield (
                Text(f"    {visible(one['path'])}")
                .append(f"\n      − {before}", "red")
                .append(f"\n      + {after}", "green")
            )
        if len(lines) > MOST_CHANGES:
            yield Text(f"    and {len(lines) - MOST_CHANGES} more", style="dim")
        yield Text()


def _wrong(story: Story) -> Iterator[Any]:
    for group in story.groups():
        for what in group["whats"]:
            row = next(one for one in group["rows"] if one["what"] == what)
            yield _hanging("  - ", what)
            if row["field"] is not None:
                there, here = (text(story.value(row[name], row["field"])) for name in ("at_source", "in_refined"))
                yield Text(f"      source {there}\n      here   {here}", style="dim")
        told = f"{group['cause']}{' (no fault)' if group['expected'] else ''}: {group['evidence']}"
        yield _hanging("    why: ", told, "bold")
    if story.remedies:
        yield Text("\nWhat would mend it", style="bold")
    for one in story.remedies:
        yield _hanging("  - ", one["say"])
        if "command" in one:
            yield Text("\n".join(f"      {line}" for line in one["command"].splitlines()), style="dim")


def _hanging(mark: str, words: str, style: str = "") -> Table:
    """Return a sentence whose further lines begin where its first does."""
    table = Table.grid(padding=0)
    table.add_column(no_wrap=True)
    table.add_column(ratio=1)
    table.add_row(mark, Text(visible(words, 2000), style=style))
    return table
