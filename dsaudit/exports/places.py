"""Rows that name a file and a line of the audited code."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from dsaudit.verdict.card import FUNCTION

COLUMN = "place"  # what the functions that read code call it; its rows are not masked
PLACE = re.compile(r"([^:\n\r\0]+):([1-9][0-9]{0,8})(?::[0-9]+)?")


@dataclass(frozen=True)
class Place:
    """A file, seen from the root of the code, a line, and the row of the verdict that names it."""

    file: str
    line: int
    row: int


def places(verdict: dict[str, Any]) -> Iterator[Place]:
    """Yield the places that a verdict's rows name; of data none, since only functions that read code have them."""
    names = [column["name"] for column in verdict["columns"]]
    if COLUMN not in names or not verdict["query"].startswith(FUNCTION):
        return
    for number, row in enumerate(verdict["rows"]):
        found = PLACE.fullmatch(str(row[names.index(COLUMN)]))
        if found and _stays_inside(found[1]):
            yield Place(found[1], int(found[2]), number)


def code_folder(result: dict[str, Any]) -> str | None:
    """Return where the audited code lies in this project, such as ``examples/shop``; None where it lies elsewhere."""
    code = result["parameters"].get("values", {}).get("code") or {}
    folder = posixpath.normpath(str(code.get("folder", "")) or "/")
    return folder if _stays_inside(folder) else None


def _stays_inside(path: str) -> bool:
    parts = path.split("/")
    return not path.startswith(("/", "~")) and "\\" not in path and ".." not in parts and path != ""
