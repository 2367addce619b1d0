"""What a recording keeps of the logs: errors, what names a delivery, a record or a run, and counts of all the rest."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dsaudit.logs.reading import Line, Notes, read, since_of
from dsaudit.parameters import Parameters
from dsaudit.verdict.card import plural

LINES, INDEX = "logs.jsonl.gz", "logs.json"
OFTEN = 100_000  # lines after which is told how far a reading is


def record(parameters: Parameters, folder: Path, progress: Callable[[str], None] = lambda line: None) -> None:
    """Read the declared logs into `folder`, unless it holds them already, as that of a replayed run does."""
    if (folder / INDEX).is_file():
        return
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    since, notes = since_of(parameters), Notes()
    progress("reading the logs")
    handle = os.open(folder / LINES, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file, gzip.open(file, "wt", encoding="ascii") as kept:
        for line in read(parameters, since, notes):
            if line.is_error or line.delivery_id or line.source_id or line.ended:
                kept.write(json.dumps({**vars(line), "at": line.at.isoformat()}) + "\n")
            if notes.lines % OFTEN == 0:
                progress(f"reading the logs: {plural(notes.lines, 'line')}")
    index = {
        **vars(notes),
        "counts": [[second, level, count] for (second, level), count in sorted(notes.counts.items())],
        "since": since,
        "read": datetime.now(UTC),
        "declared": _declared(parameters),
        "sha256": _digest(folder / LINES),
    }
    draft = folder / f"{INDEX}.draft"
    draft.write_text(json.dumps(index, default=datetime.isoformat), encoding="utf-8")
    draft.replace(folder / INDEX)


def _declared(parameters: Parameters) -> str:
    """Return the digest of what the file says of the logs: by another description, lines are others."""
    section = parameters.logs
    assert section is not None
    # What was recorded before there were these keys is still read by the same description.
    later = {"command", "command_seconds", *(["runs"] if section.runs is None else [])}
    dumped = section.model_dump_json(exclude=set() if section.command else later)
    return hashlib.sha256(dumped.encode()).hexdigest()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Log:
    """Reads back what was recorded of the logs."""

    def __init__(self, folder: Path, parameters: Parameters) -> None:
        self._path = folder / LINES
        self._index: dict[str, Any] = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        assert parameters.logs is not None
        self._section = parameters.logs
        self._is_same = self._index["declared"] == _declared(parameters)
        values = {name: self._index[name] for name in Notes.__dataclass_fields__}
        counts = Counter({(second, level): count for second, level, count in values["counts"]})
        times = {name: self._index[name] and datetime.fromisoformat(self._index[name]) for name in ("first", "last")}
        self.notes = Notes(**{**values, **times, "odd": Counter(values["odd"]), "counts": counts})
        self.since = datetime.fromisoformat(self._index["since"])

    @property
    def problem(self) -> str | None:
        """Why the log cannot be relied on, or None."""
        if not self._is_same:
            return "the log was read by another description: the section logs has changed since"
        if not self.notes.lines and self.notes.problems:
            return f"the log is not known: {self.notes.problems[0]}"
        if self.notes.is_unreadable:
            return f"most of the log could not be read: {next(self.notes.limits())}"
        if self.notes.lines and self.notes.without_level == self.notes.lines:
            return "no line of the log tells its level (logs.columns.level), so nothing tells an error"
        levels = sorted({level for _, level in self.notes.counts if level})
        if levels and not any(map(self._section.is_known, levels)):
            return f"which levels mean a failure is not known (logs.errors); there are {', '.join(levels)}"
        return None

    def lines(self) -> Iterator[Line]:
        """Yield the errors, and the lines that name a delivery or a record, or tell how a run of the sync ended.

        Raises
        ------
        LogError
            They are not there, or not as they were written.
        """
        try:
            if _digest(self._path) != self._index["sha256"]:
                raise LogError("the recording of the logs is not as it was written: its digest is another")
            with gzip.open(self._path, "rt", encoding="ascii") as file:
                for text in file:
                    values = json.loads(text)
                    yield Line(**{**values, "at": datetime.fromisoformat(values["at"])})
        except (OSError, EOFError, ValueError, TypeError) as error:
            raise LogError(f"the recording of the logs cannot be read ({type(error).__name__})") from None


class LogError(Exception):
    """What was recorded of the logs cannot be read."""
