"""Markdown of which no part can be mistaken for markup: what comes from data or code is shown as it is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime

from dsaudit.verdict.card import MOST_WORDS, visible
from dsaudit.wording import inert

Row = Sequence[str]


def words(text: object) -> str:
    """Return a sentence or a part of one."""
    return inert(visible(str(text), MOST_WORDS))


def code(name: object) -> str:
    """Return a name marked as code, whatever it holds; of nothing, nothing."""
    shown = visible(" ".join(str(name).split()), MOST_WORDS).replace("|", "\\|")
    if not shown:
        return ""
    fence = "`" * (1 + max(map(len, re.findall("`+", shown)), default=0))
    edge = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{edge}{shown}{edge}{fence}"


def codes(names: Iterable[object], none: str = "none") -> str:
    """Return several names, one behind the other."""
    return ", ".join(map(code, names)) or none


def link(address: str | None) -> str:
    """Return an address that a reader can follow, or as code where it is none."""
    plain = re.fullmatch(r"https?://[^\s<>|`\\]+", address or "", re.ASCII)
    return f"<{address}>" if plain else code(address or "")


def at(instant: str | datetime | None) -> str:
    """Return an instant to the minute: more of it means nothing to a reader."""
    if instant is None:
        return "never"
    moment = datetime.fromisoformat(instant) if isinstance(instant, str) else instant
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def table(head: Row, rows: Iterable[Row], none: str) -> str:
    """Return a table of cells that are Markdown already, or the words `none` instead of an empty one."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *lines]) if lines else none


def todo(is_done: bool, text: str) -> str:
    """Return a line of a checklist."""
    return f"- [{'x' if is_done else ' '}] {text}"
