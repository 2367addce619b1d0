"""Crontabs of five fields: minute, hour, day of the month, month, day of the week."""

from __future__ import annotations

import re
from collections.abc import Collection

RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
PART = re.compile(r"(?:(\*)|(\w+)(?:-(\w+))?)(?:/(\d+))?")
FIELD = re.compile(r"[\[({][^\])}]*[\])}]|\S+")


def written(fields: Collection[object]) -> str | None:
    """Return five fields in one text; ``[30, 0]``, as some write several values, becomes ``30,0``. None of others."""
    texts = [re.sub(r"[\[\](){}'\"\s]", "", str(field)).rstrip(",") for field in fields]
    return " ".join(texts) if len(texts) == len(RANGES) and expanded(" ".join(texts)) else None


def expanded(crontab: str) -> tuple[frozenset[int], ...] | None:
    """Return the values that each field means; None for what is no crontab."""
    fields = crontab.lower().split()
    found = [_values(field, index) for index, field in enumerate(fields)] if len(fields) == len(RANGES) else []
    return tuple(map(frozenset, found)) if found and all(found) else None


def interval(crontab: str) -> float | None:
    """Return the seconds between two times at which a crontab fires, None where they are not always the same."""
    values = expanded(crontab)
    if values is None:
        return None
    minutes, hours, *days = values
    if any(len(one) < high - low + 1 for one, (low, high) in zip(days, RANGES[2:], strict=True)):
        return None
    if len(hours) == 24:
        return _even(minutes, 60, 60)
    return _even(hours, 24, 3600) if len(minutes) == 1 else None


def _even(values: Collection[int], whole: int, unit: int) -> float | None:
    """Return how far values are apart in a round of `whole`, where each is as far from the next."""
    step = whole / len(values)
    first = min(values)
    return step * unit if sorted(values) == [first + index * step for index in range(len(values))] else None


def _values(field: str, index: int) -> set[int]:
    """Return the values of a field; none at all for one that is not understood."""
    low, high = RANGES[index]
    found: set[int] = set()
    for text in field.split(","):
        part = PART.fullmatch(text)
        if not part:
            return set()
        star, first, last, step = part.groups()
        begin = low if star else _number(first, index)
        end = high if star or (step and not last) else _number(last or first, index)
        if begin is None or end is None or not low <= begin <= end <= (7 if index == 4 else high):
            return set()
        found |= {value % 7 if index == 4 else value for value in range(begin, end + 1, max(int(step or 1), 1))}
    return found


def _number(text: str, index: int) -> int | None:
    if text.isdigit():
        return int(text)
    names = MONTHS if index == 3 else DAYS if index == 4 else ()
    return names.index(text[:3]) + (index == 3) if text[:3] in names else None
