"""Typed values: both sides of a comparison are read as the one declared type, exactly, and then compared."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from dsaudit.parameters.models import FieldType

MOST_DIGITS = 1000  # "1e999999999" is short to write, and would fill the memory when it is written out


class Unreadable(str):
    """A value that is not of its declared type: equal to nothing but itself, so that it shows up as a difference."""


def typed(value: Any, kind: FieldType) -> Any:
    """Return `value` as the declared type; None stays None, and what does not fit becomes `Unreadable`.

    Numbers are exact, instants are in UTC, text stays as it is: NULL is not '', case, trailing spaces and the way an
    accent is written count. A column of floats counts as what it prints: the shortest number that it stands for.
    """
    if value is None:
        return None
    try:
        return _READERS[kind](value)
    except (ValueError, TypeError, InvalidOperation, AttributeError, OverflowError):
        return Unreadable(value)


def same(one: Any, other: Any) -> bool:
    """Return whether two typed values are equal; a value that could not be read is never equal to one that could."""
    return type(one) is type(other) and bool(one == other)


def same_json(one: Any, other: Any) -> bool:
    """Return whether two JSON values are equal: numbers by their value, so that 1.0 is 1, and all else as it is.

    Unlike Python, true is not 1; and a name that is absent from an object is there as null, as receivers leave out
    what senders write.
    """
    if isinstance(one, dict) and isinstance(other, dict):
        return all(same_json(one.get(name), other.get(name)) for name in {*one, *other})
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_json, one, other))
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return bool(one == other)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _integer(value: Any) -> int:
    number = _decimal(value)
    if number != number.to_integral_value():
        raise ValueError
    return int(number)


def _decimal(value: Any) -> Decimal:
    number = Decimal(str(value))  # of a float its shortest text, of true no number
    if not number.is_finite() or abs(number.adjusted()) > MOST_DIGITS:
        raise ValueError
    return number


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if value not in ("true", "false"):
        raise ValueError
    return bool(value == "true")


def _instant(value: Any) -> datetime:
    instant = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    if instant.tzinfo is None:
        raise ValueError
    return instant.astimezone(UTC)


def _date(value: Any) -> date:
    if isinstance(value, datetime):
        raise ValueError
    return value if isinstance(value, date) else date.fromisoformat(value)


_READERS: dict[FieldType, Any] = {
    "text": _text,
    "integer": _integer,
    "decimal": _decimal,
    "money": _decimal,
    "boolean": _boolean,
    "instant": _instant,
    "date": _date,
}
