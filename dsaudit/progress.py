"""Progress on the terminal: one live line for a person; where nobody looks, as in CI, only what went wrong."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

Progress = Callable[[str], None]
LOST = "a worker was lost"  # how a line begins that is told everywhere
NOW = "now.txt"  # in a run's private folder: what one of its kernels is doing


@contextlib.contextmanager
def shown() -> Iterator[Progress]:
    """Yield a function that takes what is being done now."""
    if os.environ.get("CI") or not sys.stderr.isatty():
        yield _tell_what_is_lost
        return
    from rich.console import Console

    console = Console(stderr=True)
    with console.status("starting") as status:

        def show(line: str) -> None:
            if " done in " in line:
                console.print(f"[green]✓[/green] {line}", highlight=False)
            elif line.startswith(LOST):
                console.print(line, style="yellow", highlight=False, markup=False)
            else:
                status.update(line)

        yield show


def _tell_what_is_lost(line: str) -> None:
    if line.startswith(LOST):
        with contextlib.suppress(OSError):  # the log is gone
            print(line, file=sys.stderr, flush=True)


@contextlib.contextmanager
def told_by_a_kernel(folder: Path | None) -> Iterator[Progress]:
    """Yield a function that takes what is being done now in a kernel: the run whose private `folder` it is shows it.

    In a notebook opened by hand, which has none, a line of the cell's output shows it, and goes in the end.
    """
    if folder:
        path = folder / NOW
        try:
            yield lambda line: _put(path, line)
        finally:
            path.unlink(missing_ok=True)
        return
    from IPython import display as screen
    from IPython import get_ipython

    if os.environ.get("CI") or get_ipython() is None:
        yield lambda line: None
        return
    pretty: Callable[[str], object] = screen.Pretty
    handle = screen.display(pretty(""), display_id=True)  # type: ignore[no-untyped-call]
    try:
        yield lambda line: handle.update(pretty(line))
    finally:
        handle.update(pretty(""))


def _put(path: Path, line: str) -> None:
    path.write_text(line, encoding="utf-8")


def of_kernels(folder: Path, show: Progress) -> Callable[[], None]:
    """Return what shows, whenever it is called, what a kernel of the run with this private folder is doing now."""
    last = ""

    def look() -> None:
        nonlocal last
        with contextlib.suppress(OSError):
            line = (folder / NOW).read_text(encoding="utf-8")
            if line != last:
                last = line
                show(line)

    return look
