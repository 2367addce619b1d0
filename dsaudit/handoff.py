"""What the runner hands to the kernels: one private file, named by the environment variable ``DSAUDIT_RUN``."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from dsaudit.parameters import Part

VARIABLE = "DSAUDIT_RUN"
FILE = "handoff.json"  # in the private folder for as long as there are kernels
ACTS = "acts"  # in the recording: the folder of what was seen of a background sync, a file an act
LEFT = "left.json"  # in the private folder while a check has a record of its own at the source


@dataclass(frozen=True)
class Handoff:
    """The run a kernel belongs to; `nonce` is known to the runner and its kernels alone and marks their verdicts."""

    run: str
    nonce: str
    snapshot: str
    instant: str
    private: Path
    overrides: dict[str, str] = field(default_factory=dict)  # of `--set`, by dotted key
    inferred: list[dict[str, Any]] = field(default_factory=list)  # what the file leaves out, as the runner inferred it
    part: Part = field(default_factory=Part)  # what the run is narrowed to
    acting: bool = False  # whether checks may act: `--live`, or `allow_actions` in the file
    replayed: bool = False  # whether they see what an earlier run saw, and do nothing

    @property
    def recording(self) -> Path:
        """Where the source's records of this run lie."""
        return self.private / "recording"

    def write(self) -> Path:
        """Write the file, readable by its owner alone, and return its path."""
        path = self.private / FILE
        write(path, {**asdict(self), "private": str(self.private), "part": self.part.to_json()})
        return path


def write(path: Path, record: Any) -> None:
    """Write a record that its owner alone can read; what JSON does not know stands in it as text."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(record, file, default=str)


def current() -> Handoff | None:
    """Return the run that this process works for, or None in a notebook opened by hand."""
    path = os.environ.get(VARIABLE)
    if not path:
        return None
    record: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    return Handoff(**{**record, "private": Path(record["private"]), "part": Part.from_json(record["part"])})
