"""What a run has done so far, event by event: each is on disk before the next begins, so that a run can be taken up."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dsaudit import evidence

EVENTS = "events.jsonl"  # in the private folder: it holds the nonce
Event = dict[str, Any]


class RecordError(Exception):
    """A run's record cannot be gone on with, or another run holds what this one needs; the message says why."""


class Record:
    """The events of one run, which nobody else can go on with as long as this one lives.

    Events are ``begun``, ``source read``, ``instant``, ``acts`` (a phase that acts on the system begins), ``lost`` (the
    worker of a phase, which is executed anew), ``phase`` (one has ended) and ``judged``. That a run is published is
    told by the place of its folder alone.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.private = folder / "private"
        path = self.private / EVENTS
        self._adding = threading.Lock()
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            _lock(self._file, f"{folder}: this run is still going on")
            self.events = self._read(path)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the run."""
        os.close(self._file)

    def add(self, event: str, **told: Any) -> None:
        """Add an event; it is on disk when this returns."""
        record = {"event": event, "at": datetime.now(UTC).isoformat(), **told}
        line = f"{json.dumps(record)}\n".encode()
        with self._adding:
            before = os.fstat(self._file).st_size
            try:
                while line:
                    line = line[os.write(self._file, line) :]
                os.fsync(self._file)
            except OSError:
                with contextlib.suppress(OSError):
                    os.ftruncate(self._file, before)
                raise
            self.events.append(record)

    def last(self, event: str) -> Event | None:
        """Return the last event of a kind."""
        return next((one for one in reversed(self.events) if one["event"] == event), None)

    def phases(self) -> dict[str, Event]:
        """Return how each phase ended that did, the last time."""
        return {one["name"]: one for one in self.events if one["event"] == "phase"}

    def interrupted(self) -> list[str]:
        """Return the phases that began to act on the system and did not end."""
        found: dict[str, None] = {}
        for one in self.events:
            if one["event"] == "acts":
                found[one["name"]] = None
            elif one["event"] == "phase":
                found.pop(one["name"], None)
        return [*found]

    def instants(self) -> list[dict[str, Any]]:
        """Return each instant of the database at which phases were executed whose results count, with these."""
        found: list[dict[str, Any]] = []
        for one in self.events:
            if one["event"] == "instant":
                found.append({"time": one["time"], "phases": []})
            elif one["event"] == "phase":
                for earlier in found:
                    earlier["phases"] = [name for name in earlier["phases"] if name != one["name"]]
                found[-1]["phases"].append(one["name"])
        return [{**one, "phases": sorted(one["phases"])} for one in found if one["phases"]]

    def _read(self, path: Path) -> list[Event]:
        """Return the events; a last line that is torn was being written when the machine stopped, and is cut off."""
        text = path.read_bytes()
        whole = text[: text.rfind(b"\n") + 1]
        if len(whole) < len(text):
            os.ftruncate(self._file, len(whole))
        return events_in(path, whole)


def events_in(path: Path, text: bytes) -> list[Event]:
    """Return the events of a record's whole lines.

    Raises
    ------
    RecordError
        One is none.
    """
    try:
        return [{**json.loads(line), "event": json.loads(line)["event"]} for line in text.splitlines()]
    except (ValueError, KeyError, TypeError):
        raise RecordError(f"{path}: is not as it was written; start a new run") from None


@contextlib.contextmanager
def made(folder: Path) -> Iterator[Record]:
    """Hold the record of a run whose folders are there, for as long as the block."""
    record = Record(folder)
    try:
        for one in (record.private, folder, folder.parent):
            evidence.sync(one)
        yield record
    finally:
        record.close()


@contextlib.contextmanager
def acting_alone(integration: str, place: str) -> Iterator[None]:
    """Be the only run of this user that acts on an integration, for as long as the block; `place` is its database.

    Two samples of one name are two systems, and one system may be in two files under two names.

    Raises
    ------
    RecordError
        Another one acts.
    """
    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "dsaudit"
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = hashlib.sha256(place.encode()).hexdigest()[:16]
    file = os.open(state / f"{name}.acting", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _lock(
            file,
            f"another run is acting on {integration}; wait for its end, or run with neither --live nor allow_actions",
        )
        yield
    finally:
        os.close(file)


def _lock(file: int, why: str) -> None:
    """Lock an open file, until this process ends however it does; raises with `why` where another one has it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise RecordError(why) from None
