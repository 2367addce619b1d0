"""Reads JSON Lines in DuckDB: each line as its text, and the values in it as JSON."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dsaudit.reconcile.forms import quoted
from dsaudit.reconcile.inputs import Lines
from dsaudit.source.reading import SourceError, parse

LONGEST_LINE = 16_000_000  # bytes


def extracted(side: Lines, places: Sequence[str], where: str | None = None) -> str:
    """Return the select of a line and its values as JSON, all of them null where it is odd; '' is the line itself."""
    inside = [place for place in places if place]
    whole = "case when json is not null then line end"
    values = [f"json[{inside.index(place) + 1}]" if place else whole for place in places]
    listed = ", ".join(f"nullif(cast({value} as varchar), 'null') as v{n}" for n, value in enumerate(values))
    json = f"json_extract(line, [{', '.join(quoted(_json_path(place), chr(39)) for place in inside)}])"
    json = f"case when {_once(places)} then {json} end" if side.repeats else json
    chosen = f"select line, try({json}) as json from {lines_of(side.path)} where {where or 'true'}"
    return f"select line, {listed} from ({chosen})"


def _once(places: Sequence[str]) -> str:
    """Return whether no name stands twice in the objects on the way to `places`."""
    steps = [place.split(".") for place in places if place]
    objects = sorted({".".join(one[:depth]) for one in steps for depth in range(len(one))})
    listed = ", ".join(quoted(_json_path(one), "'") for one in objects)
    return f"list_count(list_filter(json_keys(line, [{listed}]), lambda names: list_unique(names) < len(names))) = 0"


def odd_lines(side: Lines, places: Sequence[str]) -> str:
    """Return the select of the lines whose values `extracted` leaves null, such as those with half a surrogate pair."""
    once = f" and coalesce(try({_once(places)}), false)" if side.repeats else ""
    return f"select line from {lines_of(side.path)} where not (json_valid(line){once})"


def lines_of(path: Path) -> str:
    """Return the DuckDB relation of a file's lines, in a column ``line``; this is where a recording is read."""
    options = "columns={'line': 'VARCHAR'}, header=false, auto_detect=false, delim=e'\\x01', quote='', escape=''"
    options += f", max_line_size={LONGEST_LINE}, buffer_size={2 * LONGEST_LINE}, hive_partitioning=false"
    return f"read_csv({quoted(glob.escape(str(path)), chr(39))}, {options})"


def _json_path(place: str) -> str:
    if '"' in place or "\\" in place:
        raise SourceError(f"{place}: a name with a quote or a backslash cannot be looked for in JSON")
    return "$" + "".join(f'."{step}"' for step in place.split(".") if place)


def record_of(line: str, path: Path) -> Any:
    """Parse one line exactly."""
    try:
        return parse(line)
    except (ValueError, RecursionError):
        raise SourceError(f"{path.name}: a line is no JSON") from None
