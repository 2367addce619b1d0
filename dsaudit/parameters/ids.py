"""A source id as one text, however it is written: by the source in JSON, or by PostgreSQL in a column of some type.

====== ==============================================================================================================
number the shortest plain decimal: ``1000`` of ``1e3``, ``7`` of ``7.00`` and of ``"007"``; what is no number stays
uuid   small letters with hyphens, as PostgreSQL writes it, of capitals, of braces, and of no hyphens
char   of a ``char(n)``, whose padding says nothing: without blanks at the end
None   the text as it is
====== ==============================================================================================================
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal, getcontext
from typing import Any, Literal
from uuid import UUID

Kind = Literal["number", "uuid", "char"]

# Read by Python, PostgreSQL and DuckDB alike. No exponent is so large that its plain digits would fill the memory.
NUMBER = "[+-]?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]{1,3})?"
_BARE_UUID = "[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}"
ANY_UUID = f"{_BARE_UUID}|[{{]{_BARE_UUID}[}}]"
# What is an id's one text already.
PLAIN: dict[Kind | None, str] = {
    "number": "0|-?[1-9][0-9]*",
    "uuid": "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "char": r"([^\x00]*[^ \x00])?",
    None: r"[^\x00]*",
}
WIDEST = 12  # digits of a number that zeros are written before

_KINDS: dict[str, Kind] = {
    **dict.fromkeys(("smallint", "integer", "bigint", "numeric", "real", "double precision"), "number"),
    **{"uuid": "uuid", "character": "char", "bpchar": "char"},
}
_PLAIN = {kind: re.compile(one) for kind, one in PLAIN.items()}
_NO_TEXT = re.compile("[\0\ud800-\udfff]")


def kind_of(column_type: str) -> Kind | None:
    """Return how the ids in a column of a type of PostgreSQL's are written."""
    return _KINDS.get(column_type.partition("(")[0])


def id_text(value: Any, kind: Kind | None = None) -> str:
    r"""Return the text of an id, or of a part of one, that the source's JSON has.

    PostgreSQL holds no text with NUL or half a surrogate pair, so that no row has such an id; it is told as JSON
    writes it: ``a\u0000b``.
    """
    if isinstance(value, int):
        return str(value)
    if value is None:
        return ""
    text = str(value)
    if not text.isprintable():
        text = _NO_TEXT.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    return text if kind is None or _PLAIN[kind].fullmatch(text) else _canonical(text, kind)


def _canonical(text: str, kind: Kind) -> str:
    if kind == "char":
        return text.rstrip(" ")
    if kind == "uuid":
        return str(UUID(text)) if re.fullmatch(ANY_UUID, text) else text
    if not re.fullmatch(NUMBER, text):
        return text
    digits = f"{Decimal(text):f}"
    digits = digits.rstrip("0").rstrip(".") if "." in digits else digits
    return "0" if digits == "-0" else digits


def may_be_asked_for(source_id: str) -> bool:
    """Return whether an id is what the source gave, as far as can be told, and not how JSON writes what is no text."""
    return not re.search(r"\\u(0000|d[89a-f][0-9a-f]{2})", source_id)


def writings(text: str, kind: Kind) -> Iterator[str]:
    """Yield the usual ways in which programs write an id of a kind into a column of text."""
    if kind == "uuid":
        for one in (text, text.replace("-", "")):
            yield from (one, one.upper(), f"{{{one}}}", f"{{{one.upper()}}}")
    elif re.fullmatch(NUMBER, text):
        yield from (text, f"{text}0") if "." in text else (text, f"{text}.0", f"{text}.00")
        if len(text) <= getcontext().prec:
            yield f"{Decimal(text).normalize()}"
        if text.isdecimal():
            yield from (text.zfill(width) for width in range(len(text) + 1, WIDEST + 1))
