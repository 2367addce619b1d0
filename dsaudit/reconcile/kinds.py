"""Says in a word or two how two values differ, so that a masked report still tells what to look for."""

from __future__ import annotations

import unicodedata
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from dsaudit.reconcile.values import Unreadable

FACTORS = (Decimal(10), Decimal(100), Decimal(1000))
PARTS_OF_HOURS = (2.5, 3.5, 4.5, 5.5, 5.75, 6.5, 8.75, 9.5, 10.5, 12.75, 13.75)
ZONES = {timedelta(hours=one) for one in (*range(1, 15), *PARTS_OF_HOURS)}  # that clocks are set to, east or west

LIKE_A_ZONE = " h, like a time zone"


def kind_of(there: Any, here: Any) -> str:
    """Return how the value `here` differs from the one `there`, at the source; both are typed already."""
    if here is None or there is None:
        return "null here" if here is None else "null at the source"
    if isinstance(here, Unreadable) or isinstance(there, Unreadable):
        return "not of its type" + (" here" if isinstance(here, Unreadable) else " at the source")
    if isinstance(there, str) and isinstance(here, str):
        return _of_texts(there, here)
    if isinstance(there, datetime) and isinstance(here, datetime):
        return _of_instants(there, here)
    if type(there) in (int, Decimal) and type(here) in (int, Decimal):  # true is an int too, and no number
        return _of_numbers(Decimal(there), Decimal(here))
    return "another content" if isinstance(there, (dict, list)) else "another value"


def _of_texts(there: str, here: str) -> str:
    if not there or not here:
        return "empty here" if there else "empty at the source"
    if unicodedata.normalize("NFC", there) == unicodedata.normalize("NFC", here):
        return "another Unicode form"
    if there.strip() == here.strip():
        return "blanks at an end"
    if there.casefold() == here.casefold():
        return "letter case"
    return "cut off here" if there.startswith(here) else "another text"


def _of_numbers(there: Decimal, here: Decimal) -> str:
    for factor in FACTORS:
        if there == here * factor:
            return f"{factor} times too small"
        if here == there * factor:
            return f"{factor} times too large"
    if there == -here:
        return "opposite sign"
    # A float keeps 15 digits; what differs behind them went through one.
    return "last digits" if abs(there - here) < abs(there) * Decimal("1e-14") else "another number"


def _of_instants(there: datetime, here: datetime) -> str:
    apart = here - there
    if abs(apart) < timedelta(seconds=1):
        return "below a second"
    if abs(apart) in ZONES:
        return f"{'+' if apart > timedelta() else '-'}{abs(apart) / timedelta(hours=1):g}{LIKE_A_ZONE}"
    return "another time"
