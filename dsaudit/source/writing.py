"""Writes one list of a recording, page by page, so that what was written survives a break and can be gone on from.

Beside ``<resource>.jsonl.gz`` stands ``<resource>.journal``: a line for the beginning, a line for each page with the
digest of the file up to it, a line at the end of the list, and one with its entry in the index.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from dsaudit.source.reading import Position, Record

A_PIECE = 1 << 20  # bytes that are digested at once


@dataclass(frozen=True)
class Kept:
    """What an earlier reading left of a list: how it began, its pages, whether it came to the end, its entry."""

    begun: dict[str, Any]
    pages: list[dict[str, Any]]
    is_read: bool
    entry: dict[str, Any] | None

    @property
    def following(self) -> Position | None:
        """Where the list goes on, None where that is not known."""
        found: Position | None = self.pages[-1]["following"] if self.pages else None
        return found


class Tape:
    """The two files of one list, readable by their owner alone."""

    def __init__(self, folder: Path, name: str) -> None:
        self.path = folder / f"{name}.jsonl.gz"
        self._journal_path = folder / f"{name}.journal"
        self._digest = hashlib.sha256()

    def kept(self) -> Kept | None:
        """Return what an earlier reading left, if the list can go on from it; None if it has to be read anew."""
        try:
            begun, *lines = [json.loads(line) for line in self._journal_path.read_text("utf-8").splitlines()]
            pages = [line for line in lines if "records" in line]
            ends = [line for line in lines if "records" not in line]
            kept = Kept(begun, pages, bool(ends), next((line["entry"] for line in ends if "entry" in line), None))
            is_same = bool(pages) and digest_of(self.path, pages[-1]["end"]).hexdigest() == pages[-1]["sha256"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        is_doubted = kept.entry is not None and kept.entry["problem"]
        return kept if is_same and not is_doubted and (kept.is_read or kept.following is not None) else None

    def pages(self, kept: Kept) -> Iterator[list[str]]:
        """Yield the texts of each page that was kept."""
        with gzip.open(self.path, "rb") as file:
            before = 0
            for page in kept.pages:
                yield [next(file).decode().rstrip("\n") for _ in range(page["records"] - before)]
                before = page["records"]

    @contextlib.contextmanager
    def opened(self, begun: dict[str, Any], kept: Kept | None) -> Iterator[None]:
        """Open both files behind what was kept, or anew."""
        end = kept.pages[-1]["end"] if kept else 0
        self._digest = digest_of(self.path, end) if kept else hashlib.sha256()
        with _private(self.path) as self._file, _private(self._journal_path) as self._log:
            self._file.truncate(end)
            self._file.seek(end)
            self._log.truncate(0)
            for line in (begun, *(kept.pages if kept else [])):
                self._journal(line)
            yield

    def add(self, records: Sequence[Record], read: int, following: Position | None, by_position: bool = False) -> None:
        """Write one page, with which `read` records have been written.

        Each is a gzip member of its own, and no member tells a time: the same pages give the same bytes.
        """
        if records:
            self._write("".join(f"{record.text}\n" for record in records))
        end = self._file.tell()
        self._journal(
            {"records": read, "end": end, "sha256": self.sha256, "following": following, "by_position": by_position}
        )

    def end(self, entry: dict[str, Any] | None = None) -> None:
        """Note that the list was read to its end, or what was found of it: its entry in the index."""
        if not self._file.tell():
            self._write("")  # no bytes at all are no gzip
        self._journal({"entry": entry} if entry else {"ended": True})

    def _write(self, lines: str) -> None:
        member = gzip.compress(lines.encode(), compresslevel=1, mtime=0)
        self._file.write(member)
        self._file.flush()
        self._digest.update(member)

    @property
    def sha256(self) -> str:
        """The digest of what has been written."""
        return self._digest.hexdigest()

    def _journal(self, line: dict[str, Any]) -> None:
        self._log.write(f"{json.dumps(line)}\n".encode())
        self._log.flush()


@contextlib.contextmanager
def _private(path: Path) -> Iterator[BinaryIO]:
    """Open a file for writing, without emptying it, that only its owner can read."""
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
        yield file


def digest_of(path: Path, length: int | None = None) -> Any:
    """Return the SHA-256 of the first `length` bytes of a file, or of all, to be gone on with."""
    digest, left = hashlib.sha256(), path.stat().st_size if length is None else length
    with path.open("rb") as file:
        while left and (piece := file.read(min(left, A_PIECE))):
            digest.update(piece)
            left -= len(piece)
    return digest
