"""Uses the recording of an earlier run: as it is (replay), or to go on with one that broke off (resume)."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dsaudit.handoff import ACTS
from dsaudit.parameters import Parameters
from dsaudit.source.collecting import Meanwhile, Progress, record
from dsaudit.source.reading import SourceError
from dsaudit.source.recording import DRAFT, INDEX, LIVE, STARTED, declared

Reading = Callable[[Parameters, Path, Progress, Meanwhile], None]


def replay(run: Path) -> Reading:
    """Return what puts the recording of the run folder `run` in the place of a reading.

    The returned function raises `SourceError` where the folder holds no whole reading, or one of another system:
    integration, tenants, resources and the source's section of the parameter file have to be the same.
    """

    def read(
        parameters: Parameters,
        folder: Path,
        progress: Progress = lambda line: None,
        meanwhile: Meanwhile = lambda: None,
    ) -> None:
        recording = _recording(run)
        if not (recording / INDEX).is_file():
            raise SourceError(f"{run}: the source was not read to its end there; go on with it by --resume {run}")
        index = _fitting(recording / INDEX, parameters, run)
        progress("copying the recording")
        meanwhile()
        shutil.copytree(recording, folder, dirs_exist_ok=True)
        index = {"replayed": run.resolve().name, **index}
        (folder / INDEX).write_text(json.dumps(index), encoding="utf-8")

    return read


def resume(
    parameters: Parameters,
    folder: Path,
    progress: Progress = lambda line: None,
    meanwhile: Meanwhile = lambda: None,
) -> None:
    """Go on with a reading into `folder` that broke off, or begin it; raises what `replay`'s does."""
    index = next((folder / name for name in (INDEX, DRAFT) if (folder / name).is_file()), None)
    if index:
        _fitting(index, parameters, folder.parents[1])
    record(parameters, folder, progress, meanwhile, resume=True)


def has_acted(run: str | Path) -> bool:
    """Return whether the run folder `run` keeps what checks saw that acted on the system."""
    return bool(run) and any((Path(run) / "private" / "recording" / name).exists() for name in (LIVE, STARTED, ACTS))


def _recording(run: Path) -> Path:
    folder = run / "private" / "recording"
    if not folder.is_dir():
        raise SourceError(f"{run}: there is no recording of a source in it; name the folder of a run")
    return folder


def _fitting(path: Path, parameters: Parameters, run: Path) -> dict[str, Any]:
    """Return an index, if it is of the same system as described by `parameters`."""
    try:
        index: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        there = index["declared"]
    except (OSError, ValueError, KeyError):
        raise SourceError(
            f"{run}: its recording has no index that this version understands; read the source anew"
        ) from None
    here = declared(parameters)
    for name, words in _PARTS.items():
        if (there.get(name) or "") != here[name]:
            part = f" ({there.get('part') or 'all'}, not {here['part'] or 'all'})" if name == "part" else ""
            raise SourceError(f"{run}: its source was read {words}{part}; read the source anew")
    return index


_PARTS = {
    "form": "by another version of dsaudit",
    "integration": "for another integration",
    "part": "for another part",
    "tenants": "for other tenants",
    "resources": "for other resources",
    "source": "by another description: the section source, or what the resources say of reading, has changed",
}
