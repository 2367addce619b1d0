"""How often a schedule fires: seconds, or a crontab, however each is written."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from dsaudit.background.crontab import CrontabError, parsed

FIELD = re.compile(r"[\[({][^\])}]*[\])}]|\S+")
WHOLE_DAYS = (31, 12, 7)  # days of a month, months, days of a week: of all of them


def fields_of(crontab: str) -> list[str]:
    """Return the fields of a crontab as Celery writes one, where a field may be a list: ``[0, 30] 4 * * *``."""
    return FIELD.findall(crontab)


def written(fields: Sequence[object]) -> str | None:
    """Return five fields in one text; ``[30, 0]``, as some write several values, becomes ``30,0``. None of others."""
    text = " ".join(re.sub(r"[\[\](){}'\"\s]", "", str(field)).rstrip(",") for field in fields)
    return text if same(text, text) else None


def same(one: str, other: str) -> bool:
    """Return whether two crontabs mean the same times; never where one of them is none."""
    try:
        return parsed(one) == parsed(other)
    except CrontabError:
        return False


def pause(crontab: str) -> float | None:
    """Return the seconds between two times of a crontab, None where they are not always the same."""
    try:
        times = parsed(crontab)
    except CrontabError:
        return None
    if tuple(map(len, (times.days, times.months, times.weekdays))) != WHOLE_DAYS:
        return None
    if len(times.hours) == 24:
        return _even(times.minutes, 60, 60)
    return _even(times.hours, 24, 3600) if len(times.minutes) == 1 else None


def _even(values: Collection[int], whole: int, unit: int) -> float | None:
    """Return how far values are apart in a round of `whole`, where each is as far from the next."""
    step, first = whole / len(values), min(values)
    return step * unit if sorted(values) == [first + index * step for index in range(len(values))] else None
