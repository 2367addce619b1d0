"""The folders of runs, read without trust: each may have been edited, cut short, or come from elsewhere."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dsaudit.evidence import manifest
from dsaudit.evidence.files import is_folder
from dsaudit.evidence.manifest import RESULT, RUN, UNFINISHED, Manifest, ManifestError
from dsaudit.parameters import Parameters, project_root
from dsaudit.verdict import SCHEMA, Status

Record = dict[str, Any]


class HistoryError(Exception):
    """A run's folder cannot be used so; the message is one line."""


def reports_of(parameters: Parameters, out: Path | None) -> Path:
    """Return where the runs of a system lie."""
    return (out or project_root() / "reports") / parameters.integration


def folders(reports: Path) -> list[Path]:
    """Return the folders of runs that have ended, the newest first; a link is none."""
    found = [path for path in reports.iterdir() if RUN.fullmatch(path.name)] if reports.is_dir() else []
    return sorted((path for path in found if is_folder(path)), reverse=True)


def unfinished(reports: Path) -> list[Path]:
    """Return the folders of runs that are under way or broke off."""
    folder = reports / UNFINISHED
    return sorted(path for path in folder.iterdir() if is_folder(path)) if folder.is_dir() else []


def load(folder: Path) -> Record:
    """Return the result of a run.

    Raises
    ------
    HistoryError
        The folder is none of a run, its result was removed or edited, or another dsaudit wrote it.
    """
    sealed = manifest_of(folder)
    try:
        text = (folder / RESULT).read_bytes()
        result: Record = json.loads(text)
        _ = [(one["check"], Status(one["status"]), one["findings"], one["results"]) for one in result["verdicts"]]
        _ = result["run"]["integration"], result["run"]["blueprint"], result["run"]["ended"], result["limits"]
        _ = line(result), result["plan"], result["parameters"], result["instant"], result["schema"]
    except FileNotFoundError:
        gone = "its result was pruned" if (folder / manifest.PRUNED).exists() else "it has no result"
        raise HistoryError(f"{folder}: this is no folder of a whole run: {gone}") from None
    except OSError as error:
        raise HistoryError(f"{folder}: its result cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError):
        raise HistoryError(f"{folder}: this is no folder of a run: its result cannot be read") from None
    if result["schema"] != SCHEMA:
        raise HistoryError(f"{folder}: its result is of schema {result['schema']}; this dsaudit reads schema {SCHEMA}")
    listed = sealed.files.get(RESULT) if sealed else None
    if listed and listed.sha256 != manifest.sha256(text):
        raise HistoryError(f"{folder}: its result was edited after the run; `dsaudit verify` tells more")
    return result


def earlier(reports: Path, integration: str) -> Iterator[Record]:
    """Yield the results of runs, the newest first; what is no whole and unedited one of the system is passed over.

    Raises
    ------
    OSError
        A result cannot be read now: what it knows would be told as new.
    """
    for folder in folders(reports):
        try:
            result = load(folder)
        except HistoryError as error:
            if isinstance(error.__cause__, OSError):
                raise error.__cause__ from None
            continue
        if result["run"]["integration"] == integration and result["run"]["id"] == folder.name:
            yield result


def line(result: Record) -> Record:
    """Return what later runs say of one."""
    return {
        "id": result["run"]["id"],
        "ended": result["run"]["ended"],
        "decision": result["decision"],
        "criteria": {one["id"]: one["status"] for one in result["criteria"]},
    }


def manifest_of(folder: Path) -> Manifest | None:
    """Return a run's manifest; None where there is no readable one, of which the chain tells."""
    try:
        return manifest.read(folder)
    except ManifestError:
        return None


def is_pruned(folder: Path) -> bool:
    """Return whether `dsaudit prune` removed a run's report, and not its private folder alone."""
    return (folder / manifest.PRUNED).exists() and not os.path.lexists(folder / RESULT)


def edited(folder: Path, sealed: Manifest) -> list[str]:
    """Return the files of a run that are not as its manifest lists them; what was pruned is not told."""
    pruned = is_pruned(folder)
    changed = []
    for name, file in sealed.files.items():
        path = folder / name
        if pruned and not path.exists() and not path.is_symlink():
            continue
        try:
            same = path.stat().st_size == file.bytes and manifest.sha256(manifest.content(path)) == file.sha256
        except (OSError, ManifestError):
            same = False
        if not same:
            changed.append(name)
    return changed
