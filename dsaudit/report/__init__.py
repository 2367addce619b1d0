"""The report: pages that a reviewer opens, made from a run's result and its executed notebooks alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dsaudit.evidence import write_atomically
from dsaudit.report import entry, phase
from dsaudit.report.soundness import sound
from dsaudit.report.telling import phase_page

__all__ = ["write"]

MOST_SIZE = 8_000_000  # characters of the notebooks in the whole report; a file of more than 10 MB is seldom mailed


def write(folder: Path, result: dict[str, Any], phases: bool = True) -> None:
    """Write ``report.html`` and, with `phases`, a page beside each executed notebook in ``phases/``.

    The report holds everything; with `phases` the executed notebooks too, so that one file can be mailed. A phase whose
    notebook is missing or broken has its page too: with the verdicts that the result has of it.
    """
    result, lost = sound(result)
    names = entry.phase_names(result)
    folds = []
    if phases:
        (folder / "phases").mkdir(exist_ok=True)
        room = MOST_SIZE
        for name in names:
            notebook = folder / "phases" / f"{name}.ipynb"
            write_atomically(folder / "phases" / f"{name}.html", phase.page(notebook, name, result, names, lost))
            folds.append(phase.fold(notebook, name, result, entry.above(result), room, f"phases/{phase_page(name)}"))
            room -= len(folds[-1].html)
    write_atomically(
        folder / "report.html", entry.page(result, folds, [*lost, *(what for one in folds for what in one.lost)])
    )
