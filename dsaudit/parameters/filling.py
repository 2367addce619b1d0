"""Placeholders: names in braces in a path, an address or a body, and what is put in their place."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_.]*)\}")


def filled(value: Any, given: Callable[[str], Any]) -> Any:
    """Return a body or a path with its placeholders filled; what is nothing but one keeps the value's type."""
    if isinstance(value, dict):
        return {name: filled(one, given) for name, one in value.items()}
    if isinstance(value, list):
        return [filled(one, given) for one in value]
    if not isinstance(value, str):
        return value
    whole = PLACEHOLDER.fullmatch(value)
    return given(whole[1]) if whole else PLACEHOLDER.sub(lambda found: str(given(found[1])), value)


def placeholders(value: Any) -> set[str]:
    """Return the names that stand in braces anywhere in a body or a path."""
    if isinstance(value, (dict, list)):
        return {name for one in (value.values() if isinstance(value, dict) else value) for name in placeholders(one)}
    return set(PLACEHOLDER.findall(value)) if isinstance(value, str) else set()
