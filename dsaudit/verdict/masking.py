"""Masks: what of a record may leave the kernel, and under which name the rest is known.

A masked value is an HMAC under the integration's own key, so that two runs can be compared and nobody can
guess a value back without the key. The key lives outside the run folder: reports are shared, the key is not.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

Cell = str | int | bool | None | dict[str, str | int]

_SCALARS = (str, bool, int, float, Decimal, datetime, date, time, timedelta)
_INTEGER = re.compile(r"-?[0-9]{1,20}")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

_WORD = re.compile(
    r"[a-z][a-z0-9]*([._/:-][a-z0-9]+)*"  # failed, orders/create, invoice.paid
    r"|[A-Z][A-Z0-9]*(_[A-Z0-9]+)*"  # ORDERS_CREATE
    r"|[A-Z][A-Za-z]+([./][A-Z][A-Za-z]+)+"  # Customer.Create
    r"|(?=\w*[0-9])(?=\w*[A-Za-z])\w{2,80}",  # an event's id
    re.ASCII,
)


class Mask:
    """Masks cells and names findings under one key.

    The key's own name (``k`` and four digits of its digest) stands in every masked value, so that a changed key
    is seen as such and not as changed data.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        self.name = "k" + hashlib.sha256(key).hexdigest()[:4]

    def digest(self, text: str, length: int = 10) -> str:
        """Return the masked name of `text`, such as ``k3f2a:1f09ab22cd``."""
        # A source's text may hold half a surrogate pair.
        digest = hmac.new(self._key, text.encode(errors="surrogatepass"), hashlib.sha256).hexdigest()
        return f"{self.name}:{digest[:length]}"

    def cell(self, value: object, *, shown: bool, key: bool = False) -> Cell:
        """Return `value` as it may be displayed: itself where that is safe, else its mask and length.

        Numbers, instants and booleans are shown; text only where `shown` says so, or, for a `key`, where it is an
        integer or a uuid. Decimals and instants become strings, instants in UTC.
        """
        value = _plain(value)
        if not isinstance(value, str) or shown:
            return _exact(value)
        if key and (_INTEGER.fullmatch(value) or _UUID.fullmatch(value)):
            return value
        return {"masked": self.digest(value), "length": len(value)}

    def value(self, value: object, *, shown: bool, key: bool = False) -> object:
        """Return `value` for a frame: as it is where `cell` would show it, else its masked name."""
        cell = self.cell(value, shown=shown, key=key)
        return cell["masked"] if isinstance(cell, dict) else value

    def finding(self, check: str, scope: dict[str, str], keys: Iterable[object], cause: str | None = None) -> str:
        """Return the fingerprint of one row: the same row found by the same check has it in every run."""
        parts = [check, *(f"{name}={scope[name]}" for name in sorted(scope)), *(str(_plain(key)) for key in keys)]
        return self.digest("\x1f".join([*parts, cause or ""]), length=16)


def is_word(value: object) -> bool:
    """Return whether a text reads like a program's own: a state, a topic, an id; a name, a sentence or a number do not.

    It cannot tell a first name in small letters from a state.
    """
    return not isinstance(value, str) or any(form.fullmatch(value) for form in (_WORD, _INTEGER, _UUID))


def key_of(masked: str) -> str:
    """Return the name of the key that a masked value or a finding was made with."""
    return masked.partition(":")[0]


def load_key(integration: str) -> bytes:
    """Return the integration's mask key, made on first use.

    ``DSAUDIT_MASK_KEY`` wins, so that a CI whose machines are new each time compares its runs; otherwise the key
    is a file under ``$XDG_STATE_HOME/dsaudit`` (``~/.local/state/dsaudit``), readable by its owner alone.
    """
    given = os.environ.get("DSAUDIT_MASK_KEY")
    if given:
        return given.encode()
    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    path = state / "dsaudit" / f"{integration}.key"
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return _make_key(path)


def _make_key(path: Path) -> bytes:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(secrets.token_bytes(32))
        # A link fails where the name exists: of several kernels that start at once one wins and all read its key.
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink(missing_ok=True)
    return path.read_bytes()


def _plain(value: object) -> object:
    """Return `value` as a JSON scalar, or a text for what JSON has no exact form for."""
    if value is None or value != value:
        return None
    if hasattr(value, "to_pydatetime"):
        value = value.to_pydatetime()
    elif hasattr(value, "item") and not isinstance(value, (str, bytes)):
        value = value.item()
    if isinstance(value, UUID):
        return str(value)
    # Whatever else a driver may bring, an address or a range, is masked as text.
    return value if isinstance(value, _SCALARS) else str(value)


def _exact(value: object) -> Cell:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat() if value.tzinfo else f"{value.isoformat()} (no time zone)"
    if isinstance(value, Decimal):
        return format(value, "f")
    if value is None or isinstance(value, (float, date, time, timedelta)):
        return None if value is None else str(value)
    assert isinstance(value, (str, int))
    return value
