"""The watched values as a table in the terminal."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from rich.table import Table
from rich.text import Text

from dsaudit.monitoring.reading import Reading
from dsaudit.monitoring.series import Series, Watched
from dsaudit.verdict.card import plural
from dsaudit.wording import span

BARS = "▁▂▃▄▅▆▇█"
BARS_SHOWN = 10
COLOURS = {"beyond": "bold red", "unknown": "yellow", "within": "green", "shown": "dim"}  # and the order of the states
WORDS = {"shown": "no limit"}
HEAD = ("metric", "of", "now", "limit", "state", "since", "trend")


def table(watched: Watched, reading: Reading, title: str) -> Table:
    """Return the values that are beyond or unknown, then of each other metric the highest, then those without limit."""
    shown = Table(box=None, pad_edge=False, header_style="dim", title=title, title_justify="left", title_style="bold")
    for name in HEAD:
        is_number, is_name = name in ("now", "limit"), name in ("metric", "of")
        shown.add_column(name, justify="right" if is_number else "left", no_wrap=not is_name, overflow="fold")
    for one, others in sorted(_chosen(watched.values()), key=lambda pair: [*COLOURS].index(pair[0].state)):
        of = ", ".join(one.labels) + (f" and {plural(others, 'other')}" if others else "")
        of = of if reading.away else one.why or of
        now, of = ("–", of or one.told) if _is_nothing(one) else (one.told, of)
        name = one.metric.name.removeprefix("integration_")
        shown.add_row(name, Text(of), now, one.told_limit, _state(one), _since(one, reading), trend(one)[-BARS_SHOWN:])
    shown.caption_justify, shown.caption_style = "left", "yellow" if reading.away else "dim"
    read = f"read at {reading.time.astimezone():%H:%M:%S} in {span(reading.seconds)}"
    shown.caption = Text(f"the database is away: {reading.away}" if reading.away else read)
    return shown


def _state(one: Series) -> Text:
    """Return the state in words; where there is nothing to measure, nothing is within its limit either."""
    if _is_nothing(one):
        return Text("–", style=COLOURS["shown"])
    return Text(WORDS.get(one.state, one.state), style=COLOURS[one.state])


def _is_nothing(one: Series) -> bool:
    return one.value is not None and math.isnan(one.value)


def _since(one: Series, reading: Reading) -> str:
    """Return since when it is in its state: of today the time is enough."""
    since, now = one.since.astimezone(), reading.time.astimezone()
    return f"{since:%H:%M:%S}" if since.date() == now.date() else f"{since:%Y-%m-%d}"


def _chosen(series: Iterable[Series]) -> Iterator[tuple[Series, int]]:
    """Yield the series to show, each with how many others it stands for."""
    by_metric: dict[str, list[Series]] = {}
    for one in series:
        by_metric.setdefault(one.metric.name, []).append(one)
    for some in by_metric.values():
        if some[0].state == "unknown":  # one query reads them all
            yield some[0], len(some) - 1
            continue
        yield from ((one, 0) for one in some if one.state in ("beyond", "shown"))
        within = sorted((one for one in some if one.state == "within"), key=_height, reverse=True)
        if within:
            yield within[0], len(within) - 1


def _height(one: Series) -> float:
    return -math.inf if one.value is None or math.isnan(one.value) else one.value


def trend(one: Series) -> str:
    """Return the last values as bars from 0 to the highest of them; a value that is not known is a gap."""
    known = [value for value in one.past if value is not None and math.isfinite(value)]
    most = max(known, default=0) or 1
    return "".join(_bar(value, most) for value in one.past)


def _bar(value: float | None, most: float) -> str:
    if value is None or math.isnan(value):
        return " "
    return BARS[min(len(BARS) - 1, int(value / most * (len(BARS) - 1)))] if math.isfinite(value) else BARS[-1]
