"""The normal form of a domain: what is left of a website, as people type it, when only the domain counts.

What is read as a host, and how it is written, follows the URL Standard of the WHATWG (host parsing) and what it stands
on: UTS #46 without transitional processing and IDNA 2008 (RFC 5891) for the letters of other scripts, so that ``ß``
stays a letter of its own; RFC 1034 and 1123 for the lengths and letters of a name. A name whose last part is a number
is an address (URL Standard, "ends in a number"). That ``www.`` is left out, that a name has a dot in it, and that an
empty text is no domain at all, is what an integration means by a customer's domain, and no standard.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import idna

# A scheme, a name with a password, the host, a port, and whatever follows; nothing has to be there but the host.
_WEBSITE = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?(?://)?(?:[^/?#\s]*@)?([^/?#:@\s]+)(?::\d*)?(?:[/?#].*)?", re.I | re.S)
_SCHEME = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?//", re.I)
WWW = "www."


class NoDomain(ValueError):
    """A text that names no domain."""


def normalised(website: str) -> str | None:
    """Return the domain of a website in its normal form, None of an empty text.

    Small letters, without scheme, name and password, port, path, query, a leading ``www.`` and a dot at the end; other
    scripts in Punycode: ``HTTPS://WWW.München.example/de?x=1`` is ``xn--mnchen-3ya.example``.

    Raises
    ------
    NoDomain
        The text is neither empty nor a website.
    """
    text = website.strip()
    if not text:
        return None
    found = _WEBSITE.fullmatch(text) if _SCHEME.match(text) else _WEBSITE.fullmatch(f"//{text}")
    if found is None:
        raise NoDomain(website)
    try:
        name = idna.encode(found[1], uts46=True, std3_rules=True).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError):
        raise NoDomain(website) from None
    name = name.removesuffix(".")
    while name.startswith(WWW) and "." in name.removeprefix(WWW):
        name = name.removeprefix(WWW)
    if "." not in name or name.rpartition(".")[2].isdecimal():
        raise NoDomain(website)
    return name


def misfits(domain: str) -> Iterator[str]:
    """Yield what keeps a text from being a domain in its normal form, in a word or two; nothing of one that is."""
    if not domain.strip():
        yield "blank"
        return
    try:
        if normalised(domain) == domain:
            return
    except NoDomain:
        yield "no domain"
        return
    rest = _SCHEME.sub("", domain.strip(), count=1)
    host = re.split(r"[/?#]", rest, maxsplit=1)[0]
    name = host.rpartition("@")[2].partition(":")[0]
    told = {
        "blanks": domain != domain.strip(),
        "scheme": bool(_SCHEME.match(domain.strip())),
        "user": "@" in host,
        "port": ":" in host.rpartition("@")[2],
        "path": host != rest,
        "capitals": name != name.lower(),
        "www": name.lower().startswith(WWW),
        "trailing dot": name.endswith("."),
        "not IDNA": not name.isascii(),
    }
    yield from [word for word, is_so in told.items() if is_so] or ["another form"]
