"""Sign-off: what a person says of a run, signed, bound to the run's manifest, in the run's folder ``signoff``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dsaudit.evidence import manifest, signing
from dsaudit.evidence.files import write_atomically
from dsaudit.evidence.manifest import Instant, ManifestError, Sha256
from dsaudit.evidence.signing import Opened
from dsaudit.report.telling import headline
from dsaudit.wording import did_you_mean

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

Record = dict[str, Any]
KIND = "application/vnd.dsaudit.sign-off+json"
FOLDER = "signoff"


class SignOffError(Exception):
    """A run cannot be signed off; the message is one line."""


class SignOff(BaseModel):
    """What is signed."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    schema_: Literal[1] = Field(1, alias="schema")
    run: str
    manifest: Sha256
    decision: Literal["approve", "reject"]
    of: str  # what the run came to, as its report says it
    by: str = Field(pattern=r"\S")
    note: str = Field(pattern=r"\S")
    at: Instant
    done: list[str] = []

    @property
    def verb(self) -> str:
        """What was done with the run: approved or rejected."""
        return {"approve": "approved", "reject": "rejected"}[self.decision]

    @property
    def words(self) -> str:
        """It in a sentence."""
        done = f"; done: {', '.join(self.done)}" if self.done else ""
        when = datetime.fromisoformat(self.at).astimezone(UTC)
        said = f"{_line(self.note)}{_line(done)}"
        return f"{self.verb} ({_line(self.of)}) by {_line(self.by)} at {when:%Y-%m-%d %H:%M} UTC: {said}"


@dataclass(frozen=True)
class Given:
    """What the command line was given."""

    approve: bool
    by: str
    note: str
    done: Sequence[str] = ()


def sign_off(folder: Path, given: Given, key: Ed25519PrivateKey) -> tuple[Path, SignOff]:
    """Verify a run, and write what a person says of it.

    Raises
    ------
    SignOffError
        The run is not intact, is no GO and was to be approved, or has no such item.
    """
    result = _intact(folder, given.approve)
    if given.approve and result["decision"] != "GO":
        what = "waive what may stay (`waivers`), accept known rows (`dsaudit baseline`) or mend it, and run again"
        raise SignOffError(f"{folder.name} ended {result['decision']}, and only a GO can be approved: {what}")
    items = [*manual(result)]
    for item in given.done:
        if item not in items:
            hint = did_you_mean(item, items, f"there are {'; '.join(items) or 'none'}")
            raise SignOffError(f"--done {item}: the run has no such item for a person to do; {hint}")
    sealed = manifest.content(folder / manifest.NAME)
    now = datetime.now(UTC)
    record = {
        "schema": 1,
        "run": manifest.parsed(sealed).run.id,
        "manifest": manifest.sha256(sealed),
        "decision": "approve" if given.approve else "reject",
        "of": headline(result),
        "by": given.by,
        "note": given.note,
        "at": now.isoformat(timespec="seconds"),
        "done": [*given.done],
    }
    try:
        made = SignOff.model_validate(record)
    except ValidationError:
        raise SignOffError("--by and --note need a few words each") from None
    name = re.sub(r"[^a-z0-9]+", "-", given.by.lower()).strip("-") or "somebody"
    path = folder / FOLDER / f"{now:%Y%m%dT%H%M%S%fZ}-{name[:40]}.json"
    try:
        path.parent.mkdir(exist_ok=True)
        write_atomically(path, signing.signed(KIND, record, key))
    except OSError as error:
        raise SignOffError(f"{path}: cannot be written: {error.strerror}") from None
    return path, made


def _intact(folder: Path, approve: bool) -> Record:
    """Return the result of a run that is as it was sealed; one that cannot be told whole may be rejected only."""
    from dsaudit.evidence.verifying import verify

    found = verify(folder)
    against = found.problems or (found.unknown if approve else [])
    if against:
        more = f" (and {len(against) - 1} more: `dsaudit verify` tells them)" if len(against) > 1 else ""
        raise SignOffError(f"{folder.name} is not intact: {against[0]}{more}")
    result: Record = manifest.strict_json(manifest.content(folder / manifest.RESULT))
    return result


def manual(result: Record | None) -> Iterator[str]:
    """Yield the items of a run's checklist that only a person can do."""
    try:
        yield from (str(one["text"]) for one in (result or {}).get("checklist", []) if one["owner"])
    except (AttributeError, KeyError, TypeError):
        return  # a result that is broken is told by `verify`


def read(folder: Path, keys: Sequence[Ed25519PublicKey]) -> Iterator[tuple[str, Opened | ManifestError]]:
    """Yield each record in a run's folder of sign-offs, by its name, or what is wrong with it."""
    place = folder / FOLDER
    if not place.is_dir():
        return
    for path in sorted(place.iterdir()):
        name = f"{FOLDER}/{path.name}"
        try:
            opened = signing.opened(manifest.content(path), KIND, keys)
            yield name, Opened(SignOff.model_validate(opened.payload), opened.signer, opened.proven)
        except ManifestError as error:
            yield name, error
        except ValidationError:
            yield name, ManifestError("is no sign-off")


def told(folder: Path, keys: Sequence[Ed25519PublicKey] = ()) -> list[tuple[SignOff, Opened]]:
    """Return the sign-offs of a run as it is now, the oldest first; what is broken or of another run is left out."""
    try:
        seal = manifest.sha256(manifest.content(folder / manifest.NAME))
    except ManifestError:
        return []
    found = [opened for _, opened in read(folder, keys) if isinstance(opened, Opened)]
    return [(opened.payload, opened) for opened in found if opened.payload.manifest == seal]


def _line(text: str) -> str:
    """Return text in one printable line."""
    one = " ".join(text.split())
    return one if one.isprintable() else ascii(one)
