"""What is wrong with a value in a file, in our words: the only place that translates pydantic's kinds of mistake."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from pydantic import BaseModel

from dsaudit.parameters.section import DAY, PATTERNS
from dsaudit.wording import did_you_mean

EXPECTED = {
    "string": "a text is expected",
    "list": "a list is expected, such as [a, b]",
    "dict": "keys with values are expected",
    "int": "a whole number is expected",
    "float": "a number is expected",
    "decimal": "a number is expected",
    "finite": "a number is expected",
    "bool": "true or false is expected",
    "date": "a day is expected, such as 2026-12-31",
}
BOUNDS = {
    "greater_than": ("more than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"),
}
LENGTHS = {
    "too_short": "at least one has to be given",
    "string_too_short": "a sign is expected, and nothing stands here",
    "string_too_long": "one sign is expected, not several",
}


def words(problem: Any, location: tuple[str | int, ...], model: type[BaseModel], given: Collection[str] = ()) -> str:
    """Return what is wrong at `location` in `model`, in a sentence; a key of `given` is not for a file to give."""
    kind, value, more = problem["type"], problem["input"], problem.get("ctx", {})
    if kind == "missing":
        return "missing; it has to be given"
    if kind == "extra_forbidden":
        known = [name for name in known_keys(model, location[:-1]) if location[1:] or name not in given]
        listed = f"known here: {', '.join(known)}" if known else ""
        return f"unknown key{meant(str(location[-1]), known, listed)}"
    if kind == "model_type":
        return f"a section with keys of its own is expected here: {', '.join(known_keys(model, location))}"
    if kind == "literal_error":
        allowed = re.findall(r"'([^']*)'", more["expected"]) or [more["expected"]]
        if isinstance(value, str):
            return f"{value!r} is not one of {', '.join(allowed)}{meant(value, allowed)}"
        return f"one of {', '.join(allowed)} is expected, {_instead(value)}"
    if kind == "string_pattern_mismatch":
        return PATTERNS[more["pattern"]].format(value)
    if kind in BOUNDS:
        bound, name = BOUNDS[kind]
        return f"has to be {bound} {more[name]:g}"
    if kind in LENGTHS:
        return LENGTHS[kind]
    expected = kind.partition("_")[0]
    if expected == "date" and isinstance(value, str):
        return PATTERNS[DAY]
    if expected in EXPECTED:
        return f"{EXPECTED[expected]}, {_instead(value, expected)}"
    message = str(problem["msg"]).removeprefix("Value error, ").removeprefix("Assertion failed, ")
    return message[0].lower() + message[1:]


def meant(given: str, known: Iterable[str], otherwise: str = "") -> str:
    """Return a hint at the known name that is like the one given, else the words `otherwise`; to be put at an end."""
    hint = did_you_mean(given, known, otherwise)
    return f"; {hint}" if hint else ""


def _instead(value: Any, expected: str = "") -> str:
    """Return what stands where another thing should, as YAML reads it."""
    if value is None:
        return "and nothing stands here"
    if isinstance(value, list):
        return "not a list"
    if isinstance(value, dict):
        return "not keys with values"
    if isinstance(value, str):
        return "not a text"
    if isinstance(value, bool):
        told = "true or false, as it does yes, no, on and off" if expected == "string" else "true or false"
    elif expected == "finite":
        return "not infinity"
    elif expected == "int" and isinstance(value, float):
        return "not a fraction"
    else:
        told = "a number" if isinstance(value, (int, float)) else "a date"
    return f"and YAML reads this as {told}{'; put it in quotes' if expected == 'string' else ''}"


def known_keys(model: Any, location: tuple[str | int, ...]) -> list[str]:
    """Return the keys that the model at `location` in `model` takes, for the hint at an unknown one."""
    for part in location:
        field = dict(_fields(model)).get(part) if isinstance(part, str) else None
        model = _model_in(field.annotation) if field is not None else model
    return sorted(name for name, _ in _fields(model))


def _fields(model: Any) -> Iterator[tuple[str, Any]]:
    """Yield the fields of a model, as a file calls them."""
    return ((field.alias or name, field) for name, field in getattr(model, "model_fields", {}).items())


def _model_in(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        found = _model_in(argument)
        if found is not None:
            return found
    return None
