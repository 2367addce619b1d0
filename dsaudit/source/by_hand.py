"""Calls of a provider's API as a person types them: they are shown, and sent by nobody here."""

from __future__ import annotations

import re

from dsaudit.parameters.source import Source

CURL = "curl -gsS"


def curl(source: Source, url: str, variable: str | None, options: str = "", command: str = CURL) -> str:
    """Return the command that calls `url`, which may begin with a variable; the token stays in its own."""
    bearer = "Bearer " if source.token_header.lower() == "authorization" else ""
    header = f'-H "{_within_quotes(source.token_header)}: {bearer}${variable}"' if variable else ""
    return " ".join(filter(None, (command, header, options, f'"{_within_quotes(url)}"')))


def _within_quotes(text: str) -> str:
    """Return a text as it may stand within double quotes of a shell, a variable at its start aside."""
    start = re.match(r"\$\w+", text)
    head = start[0] if start else ""
    return head + re.sub(r'([\\"`$])', r"\\\1", text[len(head) :])
