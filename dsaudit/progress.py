"""Progress on the terminal: one live line for a person, plain lines in a log, nothing where nobody looks."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator

Progress = Callable[[str], None]


@contextlib.contextmanager
def shown() -> Iterator[Progress]:
    """Yield a function that takes what is being done now."""
    if os.environ.get("CI") or not sys.stderr.isatty():
        yield lambda line: None
        return
    from rich.console import Console

    console = Console(stderr=True)
    with console.status("starting") as status:

        def show(line: str) -> None:
            if " done in " in line:
                console.print(f"[green]✓[/green] {line}", highlight=False)
            else:
                status.update(line)

        yield show
