"""Writes the values of a row as JSON, exactly: numbers digit by digit, instants in UTC to the microsecond."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import UTC, date, datetime
from datetime import time as time_of_day
from decimal import Decimal
from typing import Any


class Literal(str):
    """JSON that stands for itself."""


def json_of(value: Any) -> str:
    """Return a value as JSON.

    Whole numbers and decimals keep every digit and zero. A double is written as the shortest number that reads back
    as itself. What JSON has no number for (NaN, infinity) is a text, an instant an ISO text in UTC, a time without a
    zone keeps none, bytes are hexadecimal after ``\\x``, as PostgreSQL writes them; anything else is its own text.
    """
    if isinstance(value, Literal):
        return str(value)
    if value is None or isinstance(value, (bool, str)):
        return json.dumps(value)
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{json.dumps(str(name))}:{json_of(one)}" for name, one in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(json_of, value)) + "]"
    if isinstance(value, (int, float, Decimal)):
        return str(value) if math.isfinite(value) else json.dumps(str(value))
    return json.dumps(_text(value))


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return (value.astimezone(UTC) if value.tzinfo else value).isoformat()
    if isinstance(value, (date, time_of_day)):
        return value.isoformat()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return f"\\x{bytes(value).hex()}"
    return str(value)
