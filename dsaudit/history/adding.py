"""Takes runs that were made elsewhere, such as on a CI's machine, into the folder of a system's runs.

What is taken in was written by others: nothing in it leaves its folder, is followed as a link, or grows without end.
"""

from __future__ import annotations

import contextlib
import os
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import IO

from dsaudit.evidence import chain, manifest
from dsaudit.history import runs
from dsaudit.history.runs import HistoryError
from dsaudit.parameters import Parameters
from dsaudit.verdict.card import plural

MOST_FILES = 20_000
MOST_BYTES = 1_000_000_000  # unpacked
CHUNK = 1 << 20


@dataclass(frozen=True)
class _File:
    """A file of what is taken in: its path there, and what opens it."""

    path: PurePosixPath
    open: Callable[[], AbstractContextManager[IO[bytes]]]


def add(given: Path, parameters: Parameters, reports: Path) -> list[str]:
    """Take in every run in a folder, or in a zip of one, and return in sentences which were.

    Raises
    ------
    HistoryError
        There is none, one is of another integration, was edited, or bears the name of another run that is here; or a
        file does not stay in its folder. Then nothing was taken in.
    """
    with contextlib.ExitStack() as stack:
        files = _zipped(given, stack) if given.is_file() else _in_folder(given)
        found = _runs(given, files)
        drafts = stack.enter_context(_drafts(reports))
        budget = [MOST_BYTES]
        made = [_copied(one, drafts / str(place), budget) for place, one in enumerate(found)]
        named = [(draft, *_checked(draft, parameters, reports)) for draft in made]
        repeated = [run for _, run, _ in named if [name for _, name, _ in named].count(run) > 1]
        if repeated:
            raise HistoryError(f"{given}: it holds the run {repeated[0]} twice")
        with chain.locked(reports):
            for draft, run, is_new in named:
                if is_new:
                    draft.rename(reports / run)
    return [f"{run}: {'added' if is_new else 'is here already'}" for _, run, is_new in named]


@contextlib.contextmanager
def _drafts(reports: Path) -> Iterator[Path]:
    """Give a folder beside the runs, so that a name is all that a draft lacks, and where no list of runs looks."""
    unfinished = reports / manifest.UNFINISHED
    unfinished.mkdir(parents=True, exist_ok=True)
    try:
        with TemporaryDirectory(dir=unfinished, prefix="adding-") as drafts:
            yield Path(drafts)
    finally:
        for folder in (unfinished, reports):
            with contextlib.suppress(OSError):
                folder.rmdir()  # only the empty ones


def _runs(given: Path, files: list[_File]) -> list[list[_File]]:
    """Return the files of each run, seen from its folder: that is one with a result, or a manifest without one."""
    marks = (manifest.RESULT, manifest.NAME)
    tops = {file.path.parent for file in files if file.path.name in marks}
    tops -= {top for top in tops if any(above in tops for above in top.parents)}
    if not tops:
        raise HistoryError(f"{given}: there is no run in it: no {manifest.RESULT}, no {manifest.NAME}")
    return [
        [
            _File(file.path.relative_to(top), file.open)
            for file in files
            if file.path.is_relative_to(top) and not file.path.is_relative_to(top / "private")
        ]
        for top in sorted(tops)
    ]


def _in_folder(folder: Path) -> list[_File]:
    found = []
    for root, names, plain in os.walk(folder):
        for path in (Path(root) / one for one in [*names, *plain]):
            mode = path.lstat().st_mode
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                raise HistoryError(f"{path}: is no regular file; links are not followed")
            if stat.S_ISREG(mode):
                name = PurePosixPath(path.relative_to(folder).as_posix())
                found.append(_File(name, partial(_opened, path)))
            if len(found) > MOST_FILES:
                raise HistoryError(f"{folder}: it holds more than {plural(MOST_FILES, 'file')}")
    return found


def _opened(path: Path) -> IO[bytes]:
    return path.open("rb")


def _zipped(path: Path, stack: contextlib.ExitStack) -> list[_File]:
    try:
        archive = stack.enter_context(zipfile.ZipFile(path))
    except (OSError, zipfile.BadZipFile):
        raise HistoryError(f"{path}: is neither a folder nor a zip of one") from None
    entries = archive.infolist()
    if len(entries) > MOST_FILES:
        raise HistoryError(f"{path}: it holds more than {plural(MOST_FILES, 'file')}")
    if sum(entry.file_size for entry in entries) > MOST_BYTES:
        raise HistoryError(f"{path}: unpacked it has more than {MOST_BYTES / 1e6:,.0f} MB")
    found: dict[PurePosixPath, _File] = {}
    for entry in entries:
        name = PurePosixPath(entry.filename)
        kind = stat.S_IFMT(entry.external_attr >> 16)
        strange = name.is_absolute() or ".." in name.parts or not entry.filename.isprintable()
        if strange or "\\" in entry.orig_filename or ":" in entry.filename:
            raise HistoryError(f"{path}: {entry.filename!a} leaves its folder, or is no plain path")
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise HistoryError(f"{path}: {entry.filename} is no regular file; links are not followed")
        if entry.flag_bits & 1:
            raise HistoryError(f"{path}: {entry.filename} is encrypted")
        if name in found:
            raise HistoryError(f"{path}: it holds {entry.filename} twice")
        if not entry.is_dir():
            found[name] = _File(name, partial(archive.open, entry))
    return [*found.values()]


def _copied(files: list[_File], draft: Path, budget: list[int]) -> Path:
    """Copy the files of a run into a folder of its own, and take their size from the budget: none is believed."""
    try:
        for file in files:
            target = draft / file.path
            target.parent.mkdir(parents=True, exist_ok=True)
            with file.open() as source, target.open("xb") as copy:
                for chunk in _chunks(source):
                    budget[0] -= len(chunk)
                    if budget[0] < 0:
                        raise HistoryError(f"{file.path}: unpacked there is more than {MOST_BYTES / 1e6:,.0f} MB")
                    copy.write(chunk)
                copy.flush()
                os.fsync(copy.fileno())
    except (OSError, zipfile.BadZipFile, ValueError, EOFError, NotImplementedError, zlib.error) as error:
        raise HistoryError(f"{file.path}: cannot be read or written: {error}") from None
    return draft


def _chunks(source: IO[bytes]) -> Iterator[bytes]:
    while chunk := source.read(CHUNK):
        yield chunk


def _checked(draft: Path, parameters: Parameters, reports: Path) -> tuple[str, bool]:
    """Return the name of a run that may be taken in, and whether it is not here yet."""
    sealed = runs.manifest_of(draft)
    if (draft / manifest.NAME).exists() and sealed is None:
        raise HistoryError("a run's manifest cannot be read: `dsaudit verify` tells more")
    if sealed is None or (draft / manifest.RESULT).exists():
        try:
            run = runs.load(draft)["run"]
        except HistoryError as error:
            raise HistoryError(str(error).replace(f"{draft}: ", "a run in it: ")) from None
        name, integration = str(run["id"]), run["integration"]
    else:
        name, integration = sealed.run.id, sealed.run.integration
    if not manifest.RUN.fullmatch(name):
        raise HistoryError(f"{name!a} is not how a run is called")
    if integration != parameters.integration:
        raise HistoryError(f"{name} is a run of {integration}, and {parameters.path.name} is {parameters.integration}")
    if sealed and sealed.run.id != name:
        raise HistoryError(f"{name}: its manifest is that of another run, {sealed.run.id}")
    if sealed and (changed := runs.edited(draft, sealed)):
        raise HistoryError(f"{name} was edited: {changed[0]} is not what its manifest lists")
    here = reports / name
    if not os.path.lexists(here):
        return name, True
    for mark in (manifest.NAME, manifest.RESULT):
        mine, other = here / mark, draft / mark
        if mine.is_file() and other.is_file():
            if mine.read_bytes() == other.read_bytes():
                return name, False
            break
    raise HistoryError(f"{name}: another run of this name is here already, in {here}")
