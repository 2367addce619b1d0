"""Typed values: both sides of a comparison are read as the one declared type, exactly, and then compared."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal, InvalidOperation
from typing import Any

from dsaudit.parameters.fields import FieldOf, FieldType
from dsaudit.reconcile.domains import NoDomain, normalised
from dsaudit.source.reading import parse, value_at

MOST_DIGITS = 1000  # "1e999999999" is short to write, and would fill the memory when it is written out
EXACT = Context(prec=4 * MOST_DIGITS)  # the default keeps 28 digits of a difference, and rounds the rest
SHORT = timedelta(microseconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PER_SECOND = {"seconds": 1, "milliseconds": 1000}
# Python reads more as a number: 1_000, or the digits of other scripts.
NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*", re.ASCII | re.IGNORECASE)
FINER = re.compile(r"[.,]\d{6}\d*[1-9]")  # PostgreSQL keeps no finer than a microsecond

# Digits behind the point in ISO 4217, where they are not two.
_NONE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE = "BHD IQD JOD KWD LYD OMR TND"
MINOR = {
    **dict.fromkeys(_NONE.split(), 0),
    **dict.fromkeys(_THREE.split(), 3),
    **{"CLF": 4, "UYW": 4},
}


class Unreadable(str):
    """A value that is not of its declared type: equal to nothing but itself, so that it shows up as a difference."""


def typed(value: Any, kind: FieldType) -> Any:
    """Return `value` as the declared type; None stays None, and what does not fit becomes `Unreadable`.

    Numbers are exact, instants are in UTC, text stays as it is: NULL is not '', case, trailing spaces and the way an
    accent is written count. A column of floats counts as what it prints: the shortest number that it stands for.
    JSON is read from its text. As text, a number has plain digits, and a list or an object stays what it is.
    """
    if value is None:
        return None
    try:
        return _READERS[kind](value)
    except (ValueError, TypeError, InvalidOperation, AttributeError, OverflowError):
        return Unreadable(_written(value))


def at_source(value: Any, field: FieldOf, currency: Any = None) -> Any:
    """Return a source's value as `field` declares it: typed, money in its major unit, an instant out of its count.

    Of a website it is the domain, see `dsaudit.reconcile.domains`; of what is none it is `Unreadable`.

    `currency` is what stands at the field's path of that name; a code that is none makes the amount `Unreadable`.
    """
    if value is None or field.as_ == "json":
        return value
    if field.as_ == "domain":
        return _domain(value)
    if field.epoch:
        return _counted(value, PER_SECOND[field.epoch])
    if field.as_ == "instant" and field.within is not None and isinstance(value, str):
        value = re.sub(r"([.,]\d{6})\d+", r"\1", value)  # what is let pass anyway is no reason to refuse it
    there = typed(value, field.as_)
    shift = field.minor
    if field.currency:
        if not (isinstance(currency, str) and re.fullmatch("[A-Z]{3}", currency)):
            return Unreadable(_written(value))
        shift = MINOR.get(currency, 2)
    if shift is None or not isinstance(there, Decimal):
        return there
    sign, digits, exponent = there.as_tuple()
    return Decimal((sign, digits, int(exponent) - shift))  # scaleb would round to 28 digits


def _domain(value: Any) -> Any:
    try:
        return normalised(value) if isinstance(value, str) else Unreadable(_written(value))
    except NoDomain:
        return Unreadable(value)


def _counted(value: Any, per_second: int) -> Any:
    microseconds = typed(value, "decimal")
    if not isinstance(microseconds, Decimal):
        return microseconds
    microseconds = EXACT.multiply(microseconds, Decimal(1_000_000 // per_second))
    try:
        return EPOCH + int(microseconds) * SHORT if microseconds == int(microseconds) else Unreadable(_written(value))
    except OverflowError:
        return Unreadable(_written(value))


def as_declared(record: Any, field: FieldOf) -> Any:
    """Return the value of a declared field as the source's record, or a payload of it, has it."""
    return at_source(value_at(record, field.from_), field, value_at(record, field.currency or ""))


def agree(there: Any, here: Any, field: FieldOf) -> bool:
    """Return whether two typed values are equal, or no farther apart than `field` lets pass."""
    if field.as_ == "text" and isinstance(there, (dict, list)):
        return same_json(there, _json_in(here))
    if field.as_ == "json":
        return same_json(there, here)
    if same(there, here):
        return True
    if field.within is None or type(there) is not type(here) or isinstance(there, (bool, str)):
        return False
    if isinstance(there, datetime):
        return abs(Decimal((there - here) // SHORT)) <= EXACT.multiply(field.within, Decimal(1_000_000))
    if isinstance(there, (int, Decimal)):
        return abs(EXACT.subtract(Decimal(there), Decimal(here))) <= field.within
    return False


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


def frozen(value: Any) -> Any:
    """Return a JSON value as one to look up by: equal to that of another where `same_json` calls the two equal."""
    if isinstance(value, dict):
        return frozenset((name, frozen(one)) for name, one in value.items() if one is not None)
    if isinstance(value, list):
        return tuple(map(frozen, value))
    return (bool, value) if isinstance(value, bool) else value


def _text(value: Any) -> Any:
    return value if isinstance(value, (dict, list)) else _written(value)


def _written(value: Any) -> str:
    """Return a value as `database.expressions.as_text` has PostgreSQL write it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal) and value.is_finite() and abs(value.adjusted()) <= MOST_DIGITS:
        return f"{value:f}"
    return str(value)


def _json_in(text: Any) -> Any:
    """Return what a text says as JSON: a list has no other text, and that may be written in several ways."""
    try:
        return parse(text) if isinstance(text, str) else text
    except (ValueError, RecursionError):
        return text


def _integer(value: Any) -> int:
    number = _decimal(value)
    if number != number.to_integral_value():
        raise ValueError
    return int(number)


def _decimal(value: Any) -> Decimal:
    text = str(value)  # of a float its shortest text, of true no number
    number = Decimal(text)
    if not NUMBER.fullmatch(text) or abs(number.adjusted()) > MOST_DIGITS:
        raise ValueError
    return number


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if value not in ("true", "false"):
        raise ValueError
    return bool(value == "true")


def _instant(value: Any) -> datetime | Unreadable:
    if isinstance(value, str) and FINER.search(value):
        raise ValueError  # Python would cut it, and so make it equal to another
    instant = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    if instant.tzinfo is None:
        return Unreadable(instant.isoformat(" "))  # no instant, and the same time is still the same
    return instant.astimezone(UTC)


def _date(value: Any) -> date:
    if isinstance(value, datetime):
        raise ValueError
    return value if isinstance(value, date) else date.fromisoformat(value)


_READERS: dict[FieldType, Any] = {
    "text": _text,
    "domain": _text,  # as it stands here; the source's is made one by `at_source`
    "integer": _integer,
    "decimal": _decimal,
    "money": _decimal,
    "boolean": _boolean,
    "instant": _instant,
    "date": _date,
    "json": parse,
}
