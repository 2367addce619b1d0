"""The chain of an integration's runs: each manifest names the one before it, so a lost or edited run is noticed.

What it cannot show is that the newest runs are gone or were edited: for that the terminal prints each run's seal, and
what keeps that output, such as a CI, anchors the chain's end.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from dsaudit.evidence import manifest
from dsaudit.evidence.manifest import Manifest, ManifestError, Previous

LOCK = "chain.lock"
CLOCKS = timedelta(minutes=1)  # by which the clocks of two machines may differ


@dataclass(frozen=True)
class Link:
    """One run's place: its folder, its manifest and the manifest's digest, which is the run's seal."""

    folder: Path
    manifest: Manifest
    sha256: str

    @property
    def run(self) -> str:
        """The run's id."""
        return self.manifest.run.id


@dataclass(frozen=True)
class Fault:
    """What is wrong with one run's place, in a sentence that names the run."""

    run: str
    words: str


def links(reports: Path) -> list[Link]:
    """Return the runs of a folder that have a readable manifest, in the order of the chain."""
    return _read(reports)[0]


def newest(reports: Path) -> Link | None:
    """Return the end of the chain, which the next run follows; None where no run has a manifest.

    Raises
    ------
    OSError
        A manifest cannot be read now: were it passed over, two runs might follow the same one.
    """
    found, _ = _read(reports, passes_over=False)
    return found[-1] if found else None


def faults(reports: Path) -> list[Fault]:
    """Return what is wrong with the chain in a folder of runs: gone, edited, forked, missing, moved, or unreadable."""
    found, broken = _read(reports)
    told = [*broken, *_of_each(found)]
    by_run = {link.run: link for link in found}
    unreadable = {fault.run for fault in broken}
    for link in found:
        before = link.manifest.previous
        if before and before.run not in unreadable:
            told += between(link, before, by_run.get(before.run))
    return [*told, *_forks(found)]


@contextlib.contextmanager
def locked(reports: Path) -> Iterator[None]:
    """Hold the chain of a folder, so that of two runs that end at once one takes its place after the other."""
    handle = os.open(reports / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _read(reports: Path, passes_over: bool = True) -> tuple[list[Link], list[Fault]]:
    found, broken = [], []
    folders = sorted(reports.iterdir()) if reports.is_dir() else []
    for path in (folder / manifest.NAME for folder in folders):
        if not path.exists():
            continue
        try:
            text = manifest.content(path)
            found.append(Link(path.parent, manifest.parsed(text), manifest.sha256(text)))
        except ManifestError as error:
            if isinstance(error.__cause__, OSError) and not passes_over:
                raise error.__cause__ from None
            broken.append(Fault(path.parent.name, f"{path.parent.name}: its manifest {error}"))
    return sorted(found, key=lambda link: (link.manifest.number, link.manifest.sealed, link.run)), broken


def _of_each(found: Sequence[Link]) -> Iterator[Fault]:
    integrations = {link.manifest.run.integration for link in found}
    for link in found:
        own = link.manifest.run
        if link.folder.name != own.id:
            yield Fault(own.id, f"the folder {link.folder.name} holds the run {own.id}")
        if len(integrations) > 1 and own.integration != link.folder.parent.name:
            yield Fault(own.id, f"{own.id} is a run of {own.integration}, beside those of {link.folder.parent.name}")


def between(link: Link, named: Previous, before: Link | None) -> Iterator[Fault]:
    """Yield what is wrong between a run and the one that it says it follows, which is None where that is gone."""
    if before is None:
        yield Fault(named.run, f"{named.run} is gone: {link.run} followed it")
        return
    if before.sha256 != named.sha256:
        words = f"{named.run} was edited after {link.run} had followed it: its seal was {short(named.sha256)}"
        yield Fault(named.run, f"{words}, and now is {short(before.sha256)}")
    gap = link.manifest.number - before.manifest.number
    if gap != 1:
        words = f"{link.run} is number {link.manifest.number} and follows {before.run}, number {before.manifest.number}"
        yield Fault(link.run, f"{words}: the numbers between them are missing" if gap > 1 else words)
    sealed = [datetime.fromisoformat(one.manifest.sealed) for one in (before, link)]
    if sealed[1] < sealed[0] - CLOCKS:
        yield Fault(link.run, f"{link.run} was sealed before the run that it follows, {before.run}")


def _forks(found: Sequence[Link]) -> Iterator[Fault]:
    followers: dict[str | None, list[str]] = {}
    for link in found:
        before = link.manifest.previous
        followers.setdefault(before.run if before else None, []).append(link.run)
    for before_, runs in followers.items():
        for run in runs[1:]:
            what = f"follow {before_}" if before_ else "begin a chain"
            yield Fault(run, f"{runs[0]} and {run} both {what}")


def seal_of(folder: Path) -> str:
    """Return the seal of a run, the digest of its manifest, as it is shown."""
    try:
        return short(manifest.sha256(manifest.content(folder / manifest.NAME)))
    except ManifestError as error:
        raise ManifestError(f"{folder / manifest.NAME}: {error}") from None


def short(sha256: str) -> str:
    """Return a seal as it is shown and typed."""
    return sha256[:16]
