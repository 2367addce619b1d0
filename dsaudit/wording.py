"""Words that messages share."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from itertools import pairwise
from urllib.parse import urlsplit, urlunsplit

LAST_CELL = "its last cell"  # what ends a phase that runs to its end
UNITS = (("day", 86400), ("h", 3600), ("min", 60), ("s", 1))


def did_you_mean(given: str, known: Iterable[str], otherwise: str = "") -> str:
    """Return ``did you mean order?`` where a known name is close to the one given, else the words `otherwise`."""
    close = difflib.get_close_matches(given, list(known), n=1)
    return f"did you mean {close[0]}?" if close else otherwise


def inert(text: object) -> str:
    """Return text that Markdown shows as it is: no markup, link, image or table border of the data's."""
    one_line = " ".join(str(text).split())
    return re.sub(r"([\\`*_\[\]<>#!|~&@$])", r"\\\1", one_line)


def shown(address: str) -> str:
    """Return an address without what may be secret in it: user, password and query."""
    parts = urlsplit(address)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "…" if parts.query else "", ""))


def span(seconds: float) -> str:
    """Return a length of time in its own units: ``80 ms``, ``2.4 s``, ``3 min 5 s``, ``21 h 46 min``, ``2 days``."""
    if seconds < 0:
        return f"-{span(-seconds)}"
    if 0 < seconds < 0.99995:
        return f"{seconds * 1000:.4g} ms"
    if seconds < 59.995:
        return f"{seconds:.4g} s"
    whole = round(seconds)
    (unit, size), (lower, step) = next(pair for pair in pairwise(UNITS) if whole >= pair[0][1])
    count, rest = divmod(round(whole / step), size // step)
    told = f"{count} {unit}" + ("s" if unit == "day" and count > 1 else "")
    return f"{told} {rest} {lower}" if rest else told


def unless_whole(value: object) -> object:
    """Return a value, as a whole number where it is one: ``3`` for 3.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def class_name(name: object, otherwise: str) -> str:
    """Return the name of an exception's class, if it reads like one; a notebook can call a class anything."""
    reads_like_one = isinstance(name, str) and re.fullmatch(r"[A-Za-z_][\w.]{0,80}", name, re.ASCII)
    return str(name) if reads_like_one else otherwise
