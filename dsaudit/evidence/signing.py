"""Signatures: Ed25519 over a payload and its type, in a DSSE envelope, so that one kind of record is no other's.

https://github.com/secure-systems-lab/dsse
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dsaudit.evidence.manifest import ManifestError, sha256, strict_json

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

    from dsaudit.parameters import Parameters

Ask = Callable[[], str]
PEM = "-----BEGIN "
LARGEST_KEY = 100_000  # bytes


class SigningError(Exception):
    """A key cannot be used; the message is one line and holds nothing of the key."""


@dataclass(frozen=True)
class Opened:
    """What an envelope holds: `payload` is proven to be of `signer`'s key only where `proven` says so."""

    payload: Any
    signer: str
    proven: bool


def signing_key(parameters: Parameters) -> Ed25519PrivateKey | None:
    """Return the key by which runs are signed, or None where the parameter file names none.

    Raises
    ------
    SigningError
        Its variable is not set, or holds no such key.
    """
    name = parameters.evidence.signing_key_env
    if name is None:
        return None
    given = os.environ.get(name, "")
    if not given.strip():
        raise SigningError(f"{name} is not set; `evidence.signing_key_env` says that it holds the key to sign runs by")
    return _private(given, name) if PEM in given else private_key(Path(given.strip()), name)


def private_key(path: Path, label: str = "", ask: Ask | None = None) -> Ed25519PrivateKey:
    """Return the private key in a file, PEM or OpenSSH; `ask` is called for its passphrase, where it has one.

    Raises
    ------
    SigningError
        There is none that can be used.
    """
    label = f"{label}: " if label else ""
    return _private(_text(path, label), f"{label}{path}", ask)


def _private(text: str, label: str, ask: Ask | None = None, passphrase: bytes | None = None) -> Ed25519PrivateKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    is_openssh = "OPENSSH PRIVATE KEY" in text
    load = serialization.load_ssh_private_key if is_openssh else serialization.load_pem_private_key
    try:
        key = load(text.strip().encode() + b"\n", passphrase)
    except (TypeError, ValueError, UnsupportedAlgorithm) as error:
        if passphrase is not None:
            raise SigningError(f"{label}: this is not its passphrase") from None
        if isinstance(error, TypeError) or "password" in str(error).lower():
            if ask:
                return _private(text, label, passphrase=ask().encode())
            raise SigningError(
                f"{label}: the key has a passphrase, which nobody can type here; give one without"
            ) from None
        if "PUBLIC KEY" in text or text.startswith("ssh-"):
            raise SigningError(f"{label}: this is a public key; the private one is needed to sign") from None
        raise SigningError(f"{label}: no private key that can be read, in PEM or as OpenSSH writes it") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise SigningError(f"{label}: a key of another kind; an Ed25519 key is needed (ssh-keygen -t ed25519)")
    return key


def public_key(path: Path) -> Ed25519PublicKey:
    """Return the public key in a file: PEM, or one line as OpenSSH writes it.

    Raises
    ------
    SigningError
        There is none.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    text = _text(path, "").strip()
    if "PRIVATE KEY" in text:
        raise SigningError(f"{path}: this is a private key; give the public one, and keep this one to yourself")
    load = serialization.load_pem_public_key if text.startswith(PEM) else serialization.load_ssh_public_key
    try:
        key = load(text.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise SigningError(f"{path}: no public key that can be read, in PEM or as OpenSSH writes it") from None
    if not isinstance(key, Ed25519PublicKey):
        raise SigningError(f"{path}: a key of another kind; runs are signed by Ed25519 keys")
    return key


def _text(path: Path, label: str) -> str:
    try:
        if path.stat().st_size > LARGEST_KEY:
            raise SigningError(f"{label}{path}: too large for a key")
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        # What stands in the variable could be a key that was cut off: it is not repeated.
        reason = error.strerror if isinstance(error, OSError) else "not text"
        raise SigningError(f"{label or f'{path}: '}no key can be read there: {reason}") from None


def key_id(key: Ed25519PublicKey) -> str:
    """Return a key's fingerprint as ``ssh-keygen -l`` shows it."""
    from cryptography.hazmat.primitives import serialization

    line = key.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    digest = bytes.fromhex(sha256(base64.b64decode(line.split()[1])))
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def pae(kind: str, payload: bytes) -> bytes:
    """Return what is signed: DSSE's pre-authentication encoding, which binds the payload to its type."""
    return b"DSSEv1 %d %s %d %s" % (len(kind.encode()), kind.encode(), len(payload), payload)


def signed(kind: str, record: Any, key: Ed25519PrivateKey) -> str:
    """Return the envelope of a record of some kind, as text."""
    payload = json.dumps(record, ensure_ascii=False, sort_keys=True).encode()
    signature = {"keyid": key_id(key.public_key()), "sig": _base64(key.sign(pae(kind, payload)))}
    envelope = {"payloadType": kind, "payload": _base64(payload), "signatures": [signature]}
    return json.dumps(envelope, indent=1) + "\n"


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def opened(text: bytes, kind: str, keys: Sequence[Ed25519PublicKey]) -> Opened:
    """Return what an envelope holds. With `keys`, one of them has to have signed it, or it is not proven.

    Raises
    ------
    ManifestError
        It is no envelope of this kind, or its signature does not fit.
    """
    envelope = strict_json(text)
    try:
        if envelope["payloadType"] != kind:
            raise ManifestError(f"holds a record of the kind {envelope['payloadType']!r}, and not {kind!r}")
        payload = base64.b64decode(envelope["payload"], validate=True)
        given = [(str(one["keyid"]), base64.b64decode(one["sig"], validate=True)) for one in envelope["signatures"]]
    except (KeyError, TypeError, binascii.Error, ValueError):
        raise ManifestError("is no DSSE envelope") from None
    if not given:
        raise ManifestError("has no signature")
    known = {key_id(key): key for key in keys}
    signer = _signer(pae(kind, payload), given, known)
    if signer is None and (forged := next((name for name, _ in given if name in known), None)):
        raise ManifestError(f"has a signature in the name of {forged} that does not fit")
    return Opened(strict_json(payload), signer or given[0][0], signer is not None)


def _signer(content: bytes, given: Iterable[tuple[str, bytes]], known: dict[str, Ed25519PublicKey]) -> str | None:
    """Return the key that has signed; the name in the envelope is no more than a hint."""
    from cryptography.exceptions import InvalidSignature

    for _, signature in given:
        for name, key in known.items():
            try:
                key.verify(signature, content)
            except InvalidSignature:
                continue
            return name
    return None
