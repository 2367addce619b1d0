"""Fetches exported files from behind a URL, by fsspec: whatever file system it knows, with its own credentials."""

from __future__ import annotations

import contextlib
import glob
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dsaudit.source.reading import SourceError


def fetched(url: str, pattern: str, folder: Path) -> list[Path]:
    """Fetch the files behind `url` that `pattern` names into `folder`, and return them by name.

    Raises
    ------
    SourceError
        fsspec is not installed, there is no such file, or one did not come whole.
    """
    with _system(f"{url}/{pattern}") as (system, path):
        above = glob.escape(path.removesuffix(pattern))  # a folder is called as it is called
        found = sorted(system.glob(f"{above}{pattern}")) if glob.has_magic(pattern) else [path]
        if not found:
            raise FileNotFoundError
        names = (f"{number:06d}-{one.rpartition('/')[2]}" for number, one in enumerate(found))
        return [_fetch(system, one, folder / name) for one, name in zip(found, names, strict=True)]


def see_folder(url: str) -> None:
    """See that there is something behind a URL.

    Raises
    ------
    SourceError
        fsspec is not installed, or there is nothing.
    """
    with _system(url) as (system, path):
        system.ls(path)


@contextlib.contextmanager
def _system(url: str) -> Iterator[tuple[Any, str]]:
    """Yield the file system of a URL and the path in it, and give what goes wrong there one line."""
    kind, _, rest = url.partition("://")
    # A password may stand before a host, and a signature behind a path.
    shown = f"{kind}://{rest.partition('?')[0].rpartition('@')[2]}"
    try:
        from fsspec.core import url_to_fs
    except ImportError:
        raise SourceError(f"{shown}: files behind a URL need fsspec: pip install 'dsaudit[remote]'") from None
    try:
        yield url_to_fs(url)
    except SourceError:
        raise
    except ImportError:
        raise SourceError(f"{shown}: such a URL needs one more package: pip install 'dsaudit[remote]'") from None
    except FileNotFoundError:
        raise SourceError(f"{shown}: No such file") from None
    except Exception as error:  # every file system has errors of its own, and their texts may quote credentials
        raise SourceError(f"{shown}: cannot be fetched ({type(error).__name__})") from None


def _fetch(system: Any, path: str, target: Path) -> Path:
    size = system.size(path)
    system.get_file(path, str(target))
    if size is not None and target.stat().st_size != size:
        raise SourceError(f"{target.name}: {target.stat().st_size} bytes came of {size}")
    return target
