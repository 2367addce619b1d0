"""Names of tables, columns and functions as words: ``ShopifyLineItems`` is a ``line_item``."""

from __future__ import annotations

import re

_IRREGULAR = {"addresses": "address", "statuses": "status", "taxes": "tax", "refunds": "refund", "people": "person"}


def snake(name: str) -> str:
    """Return a name in small letters with ``_`` between its words."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return re.sub(r"[^a-z0-9]+", "_", parted.lower()).strip("_")


def singular(word: str) -> str:
    """Return a snake name whose last word stands for one thing."""
    *head, last = word.split("_")
    if last in _IRREGULAR:
        last = _IRREGULAR[last]
    elif last.endswith("ies") and len(last) > 4:
        last = last[:-3] + "y"
    elif re.search(r"(ss|x|ch|sh)es$", last):
        last = last[:-2]
    elif last.endswith("s") and not last.endswith(("ss", "us", "is")) and len(last) > 3:
        last = last[:-1]
    return "_".join([*head, last])


def plural(word: str) -> str:
    """Return a snake name whose last word stands for many things."""
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(("s", "x", "ch", "sh")) else "s")


def one(name: str, prefix: str = "") -> str:
    """Return what a table or a type is called as a resource: in snake form, singular, without the tables' prefix."""
    word = snake(name)
    return singular(word.removeprefix(snake(prefix) + "_") if prefix else word)


def parts(name: str) -> list[str]:
    """Return the words of a name."""
    return snake(name).split("_")
