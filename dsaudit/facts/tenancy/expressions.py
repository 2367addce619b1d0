"""Which columns the condition of a policy holds every row to, read from the text that PostgreSQL makes of it.

PostgreSQL writes an ``and`` and an ``or`` in capitals and in brackets of their own, whatever was typed. What is
written inside a function or a select is not followed: whether it holds is tried by rehearsed attacks, not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

_TOKEN = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\(|\)| AND | OR |.", re.DOTALL)


def bound(expression: str | None, columns: Mapping[str, str | None]) -> set[str]:
    """Return those of `columns` (each with its setting, if it has one) that every row let through is held to.

    Of conditions that all have to hold, each may bind its own; of alternatives, each has to bind them all.
    """
    text = _bare(expression or "")
    alternatives = _split(text, " OR ")
    if len(alternatives) > 1:
        return set.intersection(*(bound(one, columns) for one in alternatives))
    conditions = _split(text, " AND ")
    if len(conditions) > 1:
        return set[str]().union(*(bound(one, columns) for one in conditions))
    return {column for column, setting in columns.items() if _binds(text, column, setting)}


# What lets through other rows than those with one value, or hides from reading which rows it lets through.
_LOOSE = re.compile(r"^(NOT|CASE|COALESCE)\b| (<>|<=?|>=?|!?~~?\*?) | IS (NOT )?NULL| IS DISTINCT FROM ")


def _binds(text: str, column: str, setting: str | None) -> bool:
    if _LOOSE.search(_outside_brackets(text)):
        return False
    outside = "".join(token for token in _TOKEN.findall(text) if not token.startswith("'"))
    quoted = '"' + column.replace('"', '""') + '"'
    is_named = quoted in outside or re.search(rf"(?<![\w\"$]){re.escape(column)}(?![\w\"$])", outside)
    return bool(is_named) and (setting is None or f"'{setting}'" in text)


def _outside_brackets(text: str) -> str:
    kept, depth = "", 0
    for token in _TOKEN.findall(text):
        depth += (token == "(") - (token == ")")
        kept += "" if depth or token.startswith(("'", '"')) else token
    return kept


def _split(text: str, word: str) -> list[str]:
    """Return the parts of a text around a word that stands in no brackets and no quotes."""
    parts, depth = [""], 0
    for token in _TOKEN.findall(text):
        depth += (token == "(") - (token == ")")
        if token == word and not depth:
            parts.append("")
        else:
            parts[-1] += token
    return parts


def _bare(text: str) -> str:
    """Return a text without the brackets around the whole of it."""
    text = text.strip()
    while text.startswith("(") and next(_ends(text)) == len(text):
        text = text[1:-1].strip()
    return text


def _ends(text: str) -> Iterator[int]:
    """Yield where each outermost bracket is closed."""
    depth = place = 0
    for token in _TOKEN.findall(text):
        depth += (token == "(") - (token == ")")
        place += len(token)
        if token == ")" and not depth:
            yield place
    yield -1
