"""What several exports say in the same words, without markup."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dsaudit.verdict.card import MOST_WORDS, THIN_SPACE, plural, visible
from dsaudit.verdict.causes import EXPECTED, GROUPS, group

Record = Mapping[str, Any]


def plain(value: object) -> str:
    """Return a value in one line, with every character that a terminal or a parser could obey written out."""
    return visible(str(value), MOST_WORDS, keep=THIN_SPACE)


def cell(value: Any) -> str:
    """Return a cell of a verdict's rows; a masked one by its name under the mask."""
    if isinstance(value, Mapping):
        return plain(f"{value['masked']} ({plural(value['length'], 'character')})")
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else plain(value)


def because(verdict: Record) -> str:
    """Return the first reason that a verdict's results give, or nothing."""
    return plain(next((one["reason"] for one in verdict["results"] if one["reason"]), ""))


def groups(verdicts: Iterable[Record]) -> dict[str, int]:
    """Return how many of the rows that verdicts found are in each group of causes; what is no fault is not counted."""
    counts: Counter[str] = Counter()
    for verdict in verdicts:
        for code, count in verdict["causes"].items():
            counts[group(code)] += 0 if code in EXPECTED else count
    return {name: counts[name] for name in GROUPS}


def table(rows: Sequence[Sequence[str]], indent: str = "  ") -> list[str]:
    """Return rows as lines, each column as wide as its widest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        indent + "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
