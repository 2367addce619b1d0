"""Keeps what was seen of an action, which is done once in an audit, and undoes what has to be undone."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dsaudit.handoff import ACTS, LEFT, write
from dsaudit.live.interrupts import undisturbed
from dsaudit.progress import Progress, told_by_a_kernel

if TYPE_CHECKING:
    from dsaudit.audit import Audit

Seen = dict[str, Any]  # as JSON has it


def seen(audit: Audit, name: str, act: Callable[[Audit, Progress], Seen]) -> Seen | None:
    """Act, unless this audit has done so, and return what was seen; None where a run is replayed that did not.

    What `act` returns is kept in the recording, as ``acts/<phase>-<name>.json``.
    """
    if (kept := before(audit, name)) is not None:
        return kept
    if is_replay(audit):
        return None
    with told_by_a_kernel(audit.run_folder) as progress:
        found = act(audit, progress)
    folder = audit.private / "recording" / ACTS
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    write(folder / f"{audit.phase}-{name}.json", found)
    return found


def before(audit: Audit, name: str) -> Seen | None:
    """Return what was seen of an action in any phase of this run, or of the run that is replayed."""
    if audit.parameters.source and not audit.asks_anew:
        assert audit.source.folder  # where a run's reading is used, it is copied to here now
    for path in sorted((audit.private / "recording" / ACTS).glob(f"*-{name}.json")):
        found: Seen = json.loads(path.read_text(encoding="utf-8"))
        return found
    return None


def is_replay(audit: Audit) -> bool:
    """Return whether the reading of an earlier run is used, so that nothing is done now."""
    return audit.is_replay or bool(audit.parameters.source and not audit.asks_anew and audit.source.replayed)


@contextlib.contextmanager
def undone(audit: Audit, what: str, undo: Callable[[], str | None]) -> Iterator[list[str]]:
    """Undo something at the end of the block whatever happens, Ctrl-C included; yield what could not be undone.

    As long as it is to be undone a note of it lies in the run's folder, for which the runner waits; what was not
    undone before stays told there. `undo` returns why it failed, or None.
    """
    note, left = audit.private / LEFT, list[str]()
    earlier = _given_up(note)
    write(note, {"what": "; ".join([*earlier, what]), "given_up": False})
    try:
        yield left
    finally:
        with undisturbed():
            problem = undo()
            if problem:
                left.append(f"{what}: {problem}")
            if told := [*earlier, *left]:
                write(note, {"what": "; ".join(told), "given_up": True})
            else:
                note.unlink(missing_ok=True)


def _given_up(note: Path) -> list[str]:
    """Return what a note tells that was not undone, if it does."""
    if not note.is_file():
        return []
    record = json.loads(note.read_text(encoding="utf-8"))
    return [record["what"]] if record["given_up"] else []
