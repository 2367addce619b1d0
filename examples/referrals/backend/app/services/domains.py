"""The domain of a customer, from what people type as its website."""

import re

import idna

_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*://", re.IGNORECASE)


class NoDomain(ValueError):
    """What was typed names no domain."""


def normalised(website: str | None) -> str | None:
    """In small letters and without scheme, port, path, leading www. and trailing dot; what is not ASCII as punycode.

    None where no website is known. Raises NoDomain.
    """
    if website is None:
        return None
    host = re.split(r"[/?#]", _SCHEME.sub("", website.strip()), maxsplit=1)[0]
    host = re.sub(r":\d*$", "", host).rstrip(".").lower().removeprefix("www.")
    try:
        domain = idna.encode(host, uts46=True).decode()
    except idna.IDNAError:
        raise NoDomain(f"{website!r} names no domain") from None
    if "." not in domain:
        raise NoDomain(f"{website!r} names no domain")
    return domain
