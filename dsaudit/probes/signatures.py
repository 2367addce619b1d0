"""Signatures of webhooks: how a provider makes one, and why one is to be refused, by the scheme in the catalogue."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping

from dsaudit.catalogue import Signature

VERSION = "v1"  # of a signature that stands beside its time: t=…,v1=…
SIZE = hashlib.sha256().digest_size


def sign(scheme: Signature, secret: str, body: bytes, at: int = 0) -> str:
    """Return what the header of a delivery holds; `at`, in seconds since 1970, counts where the scheme signs a time."""
    if scheme.signs == "time and body":
        return f"t={at},{VERSION}={_encoded(scheme, secret, f'{at}.'.encode() + body)}"
    return _encoded(scheme, secret, body)


def refusal(scheme: Signature, secret: str, headers: Mapping[str, str], body: bytes, now: float) -> str | None:
    """Return why a delivery that comes at `now` is to be refused, or None where it is the provider's.

    A time may be wrong by the tolerance either way: some libraries look at what is too old alone, and let a delivery
    from the future be repeated for so much longer.
    """
    given = next((value for name, value in headers.items() if name.lower() == scheme.header.lower()), None)
    if given is None:
        return f"there is no header {scheme.header}"
    if not given:
        return f"the header {scheme.header} is empty"
    if scheme.signs == "body":
        return _mismatch(scheme, given, _encoded(scheme, secret, body))
    times, signatures = _values(given, "t"), _values(given, VERSION)
    if len(times) != 1 or not re.fullmatch(r"[0-9]{1,12}", times[0]):
        return "it has no time"
    if not signatures:
        return f"it has no {VERSION} signature"
    expected = _encoded(scheme, secret, f"{times[0]}.".encode() + body)
    mismatches = [_mismatch(scheme, one, expected) for one in signatures]
    if None not in mismatches:
        return mismatches[0]
    tolerance, age = scheme.tolerance_seconds, now - int(times[0])
    if tolerance is not None and abs(age) > tolerance:
        return "its time is too old" if age > 0 else "its time is in the future"
    return None


def _values(header: str, name: str) -> list[str]:
    """Return the values of a name in ``t=1,v1=a,v1=b``."""
    pairs = (pair.partition("=") for pair in header.split(","))
    return [value for key, _, value in pairs if key == name]


def _encoded(scheme: Signature, secret: str, signed: bytes) -> str:
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).digest()
    return base64.b64encode(digest).decode() if scheme.encoding == "base64" else digest.hex()


def _mismatch(scheme: Signature, given: str, expected: str) -> str | None:
    """Return what is wrong with a signature, or None; texts are compared, as an encoding has several of one digest."""
    if hmac.compare_digest(given.encode(errors="replace"), expected.encode()):
        return None
    is_whole = _decodes(given) if scheme.encoding == "base64" else re.fullmatch(rf"[0-9a-f]{{{2 * SIZE}}}", given)
    return "it does not match the body" if is_whole else f"it is no {scheme.encoding} of {SIZE} bytes"


def _decodes(given: str) -> bool:
    """Return whether a text is the one way of writing so many bytes in base64."""
    try:
        digest = base64.b64decode(given, validate=True)
    except (binascii.Error, ValueError):
        return False
    return len(digest) == SIZE and base64.b64encode(digest).decode() == given
