"""Removes what is kept no longer: first the private folders, which hold personal data, much later the reports.

A run's manifest, its statement and its sign-offs stay for ever: they are small, hold no data, and the chain needs them.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from dsaudit.evidence import below, chain, manifest, signing_off, write_atomically
from dsaudit.evidence.files import is_folder
from dsaudit.history import runs
from dsaudit.parameters.evidence import Evidence

PRIVATE = "private"
KEPT = {manifest.NAME, manifest.STATEMENT, manifest.PRUNED, signing_off.FOLDER}
QUIET = timedelta(days=1)  # an unfinished run that wrote within it may be under way


@dataclass(frozen=True)
class Removal:
    """What goes of a run: its ``private`` folder, or its whole ``report`` with it."""

    run: Path
    what: str
    paths: list[Path]
    bytes: int

    @property
    def words(self) -> str:
        """It in a sentence."""
        what = "its private folder" if self.what == PRIVATE else "all but its manifest and sign-offs"
        return f"{self.run.name}: {what}, {self.bytes / 1e6:,.1f} MB"


def due(reports: Path, keep: Evidence, now: datetime) -> list[Removal]:
    """Return what is kept no longer, the oldest first; of the newest run and of one under way, nothing."""
    ended = runs.folders(reports)
    end = chain.newest(reports)
    safe = {*ended[:1], *([end.folder] if end else [])}
    found = [one for folder in ended if folder not in safe for one in _of(folder, keep, now)]
    left = [folder for folder in runs.unfinished(reports) if not _is_under_way(folder, keep, now)]
    found += [one for folder in left for one in _of(folder, keep, now)]
    return sorted(found, key=lambda one: one.run.name)


def prune(reports: Path, keep: Evidence, now: datetime, chosen: Sequence[Removal]) -> list[Removal]:
    """Remove those of `chosen` that are still due, say so in ``pruned.json`` of each run, and return what it was.

    No run takes its place in the chain meanwhile. A removal that is stopped is gone on with by the next one.
    """
    with chain.locked(reports):
        asked = {(one.run, one.what) for one in chosen}
        removals = [one for one in due(reports, keep, now) if (one.run, one.what) in asked]
        for one in removals:
            _note(one, keep, now)
            for path in one.paths:
                _remove(path)
    return removals


def _of(folder: Path, keep: Evidence, now: datetime) -> Iterator[Removal]:
    age = now - _began(folder)
    if age > timedelta(days=keep.keep_days):
        # The result goes first: a run without one is seen to be pruned, and a half of one is never taken for a whole.
        paths = [path for path in folder.iterdir() if path.name not in KEPT]
        paths.sort(key=lambda path: (path.name != manifest.RESULT, path.name))
        if paths:
            yield Removal(folder, "report", paths, sum(map(_size, paths)))
    elif age > timedelta(days=keep.keep_private_days) and os.path.lexists(folder / PRIVATE):
        yield Removal(folder, PRIVATE, [folder / PRIVATE], _size(folder / PRIVATE))


def _began(folder: Path) -> datetime:
    """Return when a run began: its name says so, which no edited file in it can change."""
    return datetime.strptime(folder.name.partition("-")[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def _is_under_way(folder: Path, keep: Evidence, now: datetime) -> bool:
    """Return whether an unfinished run may still be somebody's: it wrote lately, or holds a file in ``private``."""
    if not manifest.RUN.fullmatch(folder.name):
        return True
    times = [path.lstat().st_mtime for path in [folder, *below(folder)]]
    if now - datetime.fromtimestamp(max(times), UTC) < max(QUIET, timedelta(days=keep.keep_private_days)):
        return True
    held = [path for path in below(folder) if path.parent.name == PRIVATE and path.is_file()]
    return any(map(_is_held, held))


def _is_held(path: Path) -> bool:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False


def _size(path: Path) -> int:
    inside = below(path) if is_folder(path) else ()
    return sum(one.lstat().st_size for one in [path, *inside] if not is_folder(one))


def _remove(path: Path) -> None:
    if is_folder(path):
        shutil.rmtree(path)
    else:
        path.unlink()


def _note(one: Removal, keep: Evidence, now: datetime) -> None:
    path = one.run / manifest.PRUNED
    before: list[Any] = []
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        before = [*json.loads(path.read_text(encoding="utf-8"))["removed"]]
    days = keep.keep_private_days if one.what == PRIVATE else keep.keep_days
    removed = {"what": one.what, "at": now.isoformat(), "kept_days": days, "bytes": one.bytes}
    record = {"schema": 1, "run": one.run.name, "removed": [*before, removed]}
    write_atomically(path, json.dumps(record, indent=1) + "\n")
