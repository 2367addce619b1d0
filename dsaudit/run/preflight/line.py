"""One line of what `dsaudit check` says."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """One way in: open (True), shut (False), or not given (None)."""

    way: str
    ok: bool | None
    words: str


def not_given(way: str) -> Line:
    """Return the line of a way in that the parameter file does not speak of."""
    return Line(way, None, "not given")
