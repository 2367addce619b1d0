"""Takes up again a run that was stopped: in its own folder, under its own name, and only where nothing has changed.

Phases that ended by themselves are kept as they are, byte for byte, and all others are executed anew, at a new instant
of the database. That is sound since no conclusion crosses phases: a check reads the database at the instant of its own
phase, the reading of the source that all of them share, and nothing that another phase concluded. What phases leave for
others lies beside the reading: what came of looking again at a difference is named by both its sides, as they were, and
read by a replay only; what an acting phase saw is read by that phase alone.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dsaudit import evidence
from dsaudit.checks import Planned
from dsaudit.database.identity import Identity
from dsaudit.evidence.manifest import RESULT, UNFINISHED
from dsaudit.handoff import ACTS, LEFT
from dsaudit.parameters import Parameters
from dsaudit.run import execute
from dsaudit.run.record import EVENTS, Record, RecordError, events_in
from dsaudit.run.result import planned_to_json

KEPT = {EVENTS, "recording", "rows"}  # of the private folder; the rest was for the kernels of then
CODE = Path(evidence.__file__).parents[1]  # of dsaudit
SEEN = ("live.json", "started_syncs.json")  # what acting phases saw, in the recording
AGAIN = "again.jsonl"


def asked(folder: Path) -> dict[str, Any]:
    """Return what a run was asked for when it began.

    Raises
    ------
    RecordError
        There is nothing to go on with.
    """
    private = folder / "private"
    if folder.resolve().parent.name != UNFINISHED:
        what = "is finished: there is nothing to go on with" if (folder / RESULT).is_file() else "is no run"
        raise RecordError(f"{folder}: {what}")
    if not private.is_dir():
        raise RecordError(f"{folder}: its private folder is not here, and with it what a run goes on with")
    path = private / EVENTS
    text = path.read_bytes() if path.is_file() else b""
    events = events_in(path, text[: text.rfind(b"\n") + 1])
    if not events:
        raise RecordError(f"{folder}: had not begun when it was stopped; start a new run")
    return {**events[0]["asked"], "out": str(folder.resolve().parents[2])}


def conditions(
    blueprint: Path, parameters: Parameters, plan: Sequence[Planned], overrides: dict[str, str], identity: Identity
) -> dict[str, str]:
    """Return all that a run goes on under, as digests: what differs when it is taken up would mix two systems."""
    return {
        "parameter file": parameters.sha256,
        "override": _digest(overrides),
        "baseline or check of one's own": digest_of(parameters.path.with_suffix("")),
        "part": _digest(parameters.part.to_json()),
        "plan": _digest([planned_to_json(planned) for planned in plan]),
        "notebook": digest_of(blueprint),
        "version of dsaudit or of a package": _digest([digest_of(CODE), evidence.provenance()["versions"]]),
        "database": identity.pin,
    }


def refuse(record: Record, now: dict[str, str], acts_again: bool) -> None:
    """Refuse to take up a run under other conditions, or one that may have left something at the source.

    Raises
    ------
    RecordError
        What differs, or what has to be done first.
    """
    then = record.events[0]["conditions"]
    differing = [name for name in {**then, **now} if then.get(name) != now.get(name)]
    if differing:
        raise RecordError(f"{record.folder}: was begun with another {', another '.join(differing)}; start a new run")
    if left := execute.left(record.private):
        raise RecordError(f"still at the source: {left}; then remove {record.private / LEFT} and go on")
    if (interrupted := record.interrupted()) and not acts_again:
        words = " and ".join(interrupted)
        raise RecordError(f"{words} was acting on the system when the run was stopped; give --live to let it act again")


def kept(record: Record, names: Sequence[str]) -> dict[str, execute.Phase]:
    """Return the phases that ended by themselves and whose notebooks are as they were then."""
    found = {}
    for name, event in record.phases().items():
        phase = execute.Phase(
            name,
            record.folder / "phases" / f"{name}.ipynb",
            **{part: event[part] for part in ("seconds", "ended_by", "sha256", "source")},
        )
        if name in names and phase.is_whole and phase.path.is_file():
            with phase.path.open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() == phase.sha256:
                    found[name] = phase
    return found


def clear(record: Record, phases: dict[str, execute.Phase], plan: Sequence[Planned], is_replay: bool) -> None:
    """Remove what the interrupted run has left that is neither the reading of the source nor of a phase that is kept.

    It is of another instant, half written, or would stand in the report as if it were of this one. What acting phases
    saw stays where it is that of a run that is replayed: nobody can see it again.
    """
    notebooks = {phase.path for phase in phases.values()}
    for path in sorted(evidence.below(record.folder), reverse=True):
        if record.private in (path, *path.parents) or path in notebooks:
            continue
        path.unlink() if path.is_symlink() or not path.is_dir() else _remove_empty(path)
    (record.folder / "phases").mkdir(exist_ok=True)
    for path in record.private.iterdir():
        if path.name not in KEPT:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    whose = {planned.check.name: planned.phase for planned in plan}
    for path in record.private.glob("rows/*.jsonl"):
        if whose.get(path.stem) not in phases:
            path.unlink()
    recording = record.private / "recording"
    if not is_replay:
        if not any(name in phases for name in execute.acting(plan)):
            for name in SEEN:
                (recording / name).unlink(missing_ok=True)
        for path in (recording / ACTS).glob("*.json"):
            if path.name.partition("-")[0] not in phases:
                path.unlink()
    if (recording / AGAIN).is_file():
        text = (recording / AGAIN).read_bytes()
        (recording / AGAIN).write_bytes(text[: text.rfind(b"\n") + 1])  # without a line that is torn


def _remove_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):
        folder.rmdir()


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


def digest_of(folder: Path) -> str:
    """Return the digest of all files below a folder, if it is there, with their places."""
    digest = hashlib.sha256()
    for path in evidence.below(folder) if folder.is_dir() else ():
        if path.is_file() and not {"__pycache__", ".ipynb_checkpoints"} & {*path.parts}:
            digest.update(f"{path.relative_to(folder).as_posix()}\0{len(path.read_bytes())}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()
