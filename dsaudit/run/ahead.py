"""Begins what the first phases would wait for, while the run itself waits until what it read has arrived."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def possible(count: int) -> Iterator[Callable[[], None]]:
    """Yield what lets so many kernels be forked, and be imported what executes a notebook and shows it.

    It returns at once; kernels that nobody took end with the block.
    """
    ended = threading.Event()
    beside = threading.Thread(target=_begin, args=(count, ended), daemon=True)
    try:
        yield beside.start
    finally:
        ended.set()
        if beside.ident:
            from dsaudit.run import kernels

            beside.join()
            kernels.let_go()


def _begin(count: int, ended: threading.Event) -> None:
    with contextlib.suppress(Exception):  # what fails here fails again when it is wanted, where it is told
        from dsaudit.run import kernels

        kernels.fork_ahead(count, lambda: not ended.is_set())
        import nbconvert.exporters  # noqa: F401
        import papermill  # noqa: F401
