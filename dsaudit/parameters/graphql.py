"""Sees whether a GraphQL document only asks: an audit must not change anything at the provider."""

from __future__ import annotations

import re

# Strings and comments first, so that a brace or a word inside them counts for nothing.
_TOKEN = re.compile(
    r'"""(?:\\"""|[^"]|"(?!""))*"""|"(?:\\.|[^"\\\n\r])*"|#[^\n\r]*'
    r"|[\s,\ufeff]+|\.\.\.|[A-Za-z_][A-Za-z0-9_]*|-?[0-9][0-9.eE+-]*|[!$&()=@:|{}\[\]]"
)
_OPENING, _CLOSING = "{([", "})]"


def why_refused(document: str, variables: tuple[str, ...] = ()) -> str | None:
    """Return why a document is not sent, or None: it may hold one query, and fragments, and nothing else.

    `variables` are the names that it has to use, as its pages would all be the first one otherwise.
    """
    heads, end = _definitions(document)
    if end is not None:
        return f"is no GraphQL: {end}"
    if wrong := [head for head in heads if head not in ("query", "fragment", "{")]:
        return f"holds a {wrong[0]}; only a query is sent to a provider"
    if len([head for head in heads if head != "fragment"]) != 1:
        return "has to hold one query, and fragments at most beside it"
    absent = [name for name in variables if not re.search(rf"\${re.escape(name)}\b", document)]
    return f"does not use the variable ${absent[0]}, so that every page would be the first" if absent else None


def _definitions(document: str) -> tuple[list[str], str | None]:
    """Return the first word of each definition, and what is wrong with the document, or None."""
    heads: list[str] = []
    depth, at, is_new = 0, 0, True
    while at < len(document):
        token = _TOKEN.match(document, at)
        if token is None:
            return heads, f"character {at + 1} belongs to nothing"
        at, text = token.end(), token[0]
        if text.isspace() or text[0] in '#",\ufeff':
            continue
        if depth == 0 and is_new:
            heads.append(text)
        is_new = False
        depth += (text in _OPENING) - (text in _CLOSING)
        if depth < 0:
            return heads, "a bracket closes that was never opened"
        if depth == 0 and text == "}":
            is_new = True
    return heads, "a bracket is not closed" if depth else None
