"""Values in an answer, or in a row as JSON: found by their path, and held against what a file expects."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from dsaudit.reconcile.values import MOST_DIGITS, NUMBER
from dsaudit.verdict.card import plural
from dsaudit.verdict.masking import is_word

LONGEST_WORD = 60  # letters of a text that is shown as it is


class _Absent:
    """What stands at a path at which there is nothing, not even null."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = _Absent()


def found_at(body: Any, path: str) -> Any:
    """Return what stands at a dotted path, `ABSENT` where nothing does; a number is a place in a list, from 0.

    A name that has dots itself is found as a whole.
    """
    if not path:
        return body
    if isinstance(body, dict):
        if path in body:
            return body[path]
        steps = path.split(".")
        for end in range(len(steps) - 1, 0, -1):
            name = ".".join(steps[:end])
            if name in body:
                return found_at(body[name], ".".join(steps[end:]))
        return ABSENT
    step, _, rest = path.partition(".")
    if isinstance(body, list) and step.isascii() and step.isdigit() and int(step[:9]) < len(body):
        return found_at(body[int(step[:9])], rest)
    return ABSENT


def agrees(expected: Any, found: Any) -> bool:
    """Return whether what was found is what a file expects.

    A number is equal to another of the same value, and to a text that writes it, as many APIs send decimals so; a day
    or an instant to its text. Lists are compared in their order and objects name by name; null is null alone.
    """
    if isinstance(expected, dict):
        same = isinstance(found, dict) and expected.keys() == found.keys()
        return same and all(agrees(one, found[name]) for name, one in expected.items())
    if isinstance(expected, list):
        return isinstance(found, list) and len(expected) == len(found) and all(map(agrees, expected, found))
    if isinstance(expected, bool) or isinstance(found, bool) or expected is None or found is None:
        return expected is found
    if isinstance(expected, (int, float, Decimal)):
        number = _number(found)
        return number is not None and number == Decimal(str(expected))
    if isinstance(expected, (date, datetime)):
        return isinstance(found, str) and _same_time(expected, found)
    return isinstance(expected, str) and isinstance(found, str) and expected == found


def _number(value: Any) -> Decimal | None:
    """Return a number, or the one that a text writes; None of anything else."""
    if isinstance(value, (int, Decimal)):
        return Decimal(value)
    if not isinstance(value, str) or not NUMBER.fullmatch(value):
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return number if abs(number.adjusted()) <= MOST_DIGITS else None


def _same_time(expected: date, found: str) -> bool:
    try:
        if not isinstance(expected, datetime):
            return date.fromisoformat(found) == expected
        there = datetime.fromisoformat(found)
    except ValueError:
        return False
    return (there.tzinfo is None) == (expected.tzinfo is None) and there == expected


def plain(value: Any) -> Any:
    """Return a value as a request's body can have it: a decimal as a number of JSON, a day as its text."""
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value.isoformat() if isinstance(value, date) else value


def words(value: Any) -> str:
    """Return a value in a few words: a number, a truth or a program's word as it is, of any other text its length."""
    if value is ABSENT:
        return "nothing there"
    if isinstance(value, str):
        is_short = len(value) <= LONGEST_WORD and (is_word(value) or NUMBER.fullmatch(value))
        return _text(value) if is_short else f"a text of {plural(len(value), 'letter')}" if value else "an empty text"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, dict):
        return f"an object of {plural(len(value), 'name')}"
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def given(value: Any) -> str:
    """Return what a file expects as it says it, its placeholders unfilled."""
    return _text(value) if isinstance(value, str) else json.dumps(plain(value), ensure_ascii=False)


def _text(value: str) -> str:
    """Return a text as it is, in quotes where it could be taken for a number, a truth or null."""
    return f'"{value}"' if NUMBER.fullmatch(value) or value in ("true", "false", "null") else value
