"""Words that messages share."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(given: str, known: Iterable[str], otherwise: str = "") -> str:
    """Return ``did you mean order?`` where a known name is close to the one given, else the words `otherwise`."""
    close = difflib.get_close_matches(given, list(known), n=1)
    return f"did you mean {close[0]}?" if close else otherwise
