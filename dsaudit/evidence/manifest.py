"""A run's manifest: what it was, each of its files by its digest, and which run it follows. Read without trust."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections import Counter
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from dsaudit.parameters.baseline import Repeated, once

RUN = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{4,}")  # how a run is called, and its folder
UNFINISHED = "unfinished"  # the folder of the runs that are not published
RESULT = "result.json"
NAME = "manifest.json"
STATEMENT = "statement.dsse.json"
PRUNED = "pruned.json"
NOT_LISTED = {"private", "signoff"}  # folders of a run: one is never shared, the other is written after the seal
AFTERWARDS = {NAME, STATEMENT, PRUNED}  # files that a manifest cannot list


class ManifestError(Exception):
    """A manifest, or another record of the evidence, cannot be read; the message is one line without the file."""


def _instant(text: str) -> str:
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError("an instant with its offset is expected")
    return text


def _inside(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or str(path) != name or "\\" in name or not name.isprintable():
        raise ValueError("leaves the run's folder, or is no plain path")
    if path.parts[0] in NOT_LISTED or name in AFTERWARDS:
        raise ValueError("is not among the files that a manifest lists")
    return name


Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Instant = Annotated[str, AfterValidator(_instant)]
Inside = Annotated[str, AfterValidator(_inside)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Run(_Part):
    """Which run."""

    id: str = Field(min_length=1)
    integration: str
    blueprint: str
    started: Instant
    ended: Instant


class Previous(_Part):
    """The run that one follows, and the digest of its manifest."""

    run: str
    sha256: Sha256


class File(_Part):
    """One file's digest and size."""

    sha256: Sha256
    bytes: int = Field(ge=0)


class Code(_Part):
    """The code that made a run."""

    commit: str | None
    dirty: bool | None
    versions: dict[str, str]


class ParameterFile(_Part):
    """The parameter file's name and digest."""

    file: str
    sha256: Sha256


class Manifest(_Part):
    """What a run's manifest holds. `sealed` is when it took its place, which is after it ended."""

    schema_: Literal[1] = Field(alias="schema")
    run: Run
    decision: Literal["GO", "NO-GO", "INCONCLUSIVE"]
    number: int = Field(ge=1)
    previous: Previous | None
    sealed: Instant
    files: dict[Inside, File]
    code: Code
    notebooks: dict[str, Sha256]
    parameters: ParameterFile
    database: str
    instant: str
    digest: Sha256
    renderer: dict[str, str]  # the code that judged and rendered, and the versions of what it renders with

    @model_validator(mode="after")
    def _consistent(self) -> Manifest:
        if (self.previous is None) != (self.number == 1):
            raise ValueError("number: 1 is the run that follows none, and no other")
        alike = Counter(unicodedata.normalize("NFKC", name).casefold() for name in self.files)
        for name in self.files:
            if alike[unicodedata.normalize("NFKC", name).casefold()] > 1:
                raise ValueError(f"files: {name!r} and another name are equal but for their case or Unicode form")
        return self


def read(folder: Path) -> Manifest:
    """Return the manifest of a run's folder.

    Raises
    ------
    ManifestError
        It is not there, or not one of this form.
    """
    return parsed(content(folder / NAME))


def parsed(text: bytes) -> Manifest:
    """Return a manifest from its bytes.

    Raises
    ------
    ManifestError
        It is not of this form.
    """
    record = strict_json(text)
    if isinstance(record, dict) and (record.get("schema") != 1 or record["schema"] is True):
        raise ManifestError(f"is of schema {record.get('schema')!r}; this dsaudit reads schema 1")
    try:
        return Manifest.model_validate(record)
    except ValidationError as error:
        problem = error.errors()[0]
        place = ".".join(str(part) for part in problem["loc"] if part != "[key]")
        words = problem["msg"].removeprefix("Value error, ")
        raise ManifestError(f"{place}: {words[:1].lower()}{words[1:]}".removeprefix(": ")) from None


def content(path: Path) -> bytes:
    """Return what a file of the evidence holds.

    Raises
    ------
    ManifestError
        It cannot be read, or is no regular file.
    """
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise ManifestError("is not a regular file")
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ManifestError("is missing") from None
    except OSError as error:
        raise ManifestError(f"cannot be read: {error.strerror}") from error


def strict_json(text: bytes) -> Any:
    """Return JSON that has one meaning only: in UTF-8, no key given twice, no number that JSON does not have.

    Raises
    ------
    ManifestError
        It has not.
    """
    try:
        return json.loads(text.decode("utf-8"), object_pairs_hook=once, parse_constant=_no_constant)
    except UnicodeDecodeError:
        raise ManifestError("is not UTF-8 text") from None
    except RecursionError:
        raise ManifestError("is nested too deep") from None
    except Repeated as error:
        raise ManifestError(f"has the key {error.key!r} twice in one object") from None
    except ValueError as error:
        raise ManifestError(f"is not JSON: {error}") from None


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number")


def sha256(content: bytes) -> str:
    """Return the digest by which files are named."""
    return hashlib.sha256(content).hexdigest()
