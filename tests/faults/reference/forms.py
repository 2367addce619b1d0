"""Values in their declared form, so that both sides of a comparison are of one type; nothing is rounded or trimmed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

import idna


def in_form(value: Any, form: str) -> Any:
    """A value as its declared form: None stays None, and what is not of that form equals nothing that is."""
    if value is None:
        return None
    try:
        return FORMS[form](value)
    except (ValueError, TypeError, AttributeError, InvalidOperation):
        return ("not of its form", repr(value))


def plain(value: Any) -> Any:
    """A JSON value such that equal ones compare equal: 1.0 is 1, true is not, and what is null is not there."""
    if isinstance(value, bool):
        return ("truth", value)
    if isinstance(value, int | float | Decimal):
        return Decimal(str(value))
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items() if one is not None}
    return value


def _number(value: Any) -> Decimal:
    if isinstance(value, bool):
        raise TypeError
    return Decimal(str(value))


def _whole(value: Any) -> int:
    number = _number(value)
    if number != int(number):
        raise ValueError
    return int(number)


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        raise TypeError
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _instant(value: Any) -> datetime:
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError
    return moment.astimezone(UTC)


def _day(value: Any) -> date:
    if isinstance(value, datetime):
        raise TypeError
    return value if isinstance(value, date) else date.fromisoformat(value)


def _domain(website: str) -> str | None:
    """The domain of a website as people type it, in small letters and ASCII, without a leading www."""
    text = website.strip()
    host = urlsplit(text if "//" in text else f"//{text}").hostname
    return idna.encode(host.rstrip("."), uts46=True).decode().removeprefix("www.") if host else None


FORMS: dict[str, Callable[[Any], Any]] = {
    "text": _text,
    "integer": _whole,
    "decimal": _number,
    "money": _number,
    "boolean": _truth,
    "instant": _instant,
    "date": _day,
    "domain": _domain,  # of a website at the source; the column holds a text
    "json": plain,
}
