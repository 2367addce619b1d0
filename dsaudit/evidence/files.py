"""Files of a run: written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path


def write_atomically(path: Path, text: str) -> None:
    """Write a file under another name, sync it to disk and rename it: it is never there by half."""
    draft = path.with_name(f".{path.name}.draft")
    with draft.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    sync(path.parent)


def sync(path: Path) -> None:
    """Bring a file or a folder's list of names to disk: a name that was given just now may else be gone with power."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None  # else it does not say what could not be
    finally:
        os.close(handle)


def sync_all(folder: Path) -> None:
    """Bring everything below a folder to disk."""
    for path in [*below(folder), folder]:
        sync(path)


def below(folder: Path) -> Iterator[Path]:
    """Yield all that is below a folder, each in the order of names; a link to a folder is not followed.

    `rglob` passes over a folder that cannot be listed: whoever has to see all would take it for an empty one.
    """
    for path in sorted(folder.iterdir()):
        yield path
        if is_folder(path):
            yield from below(path)


def is_folder(path: Path) -> bool:
    """Return whether this is a folder itself, and no link to one."""
    return path.is_dir() and not path.is_symlink()
