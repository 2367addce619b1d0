"""The report: pages that a reviewer opens, made from a run's result and its executed notebooks alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dsaudit.evidence import write_atomically
from dsaudit.report import entry, phase
from dsaudit.report.telling import phase_page

__all__ = ["write"]


def write(folder: Path, result: dict[str, Any], phases: bool = True) -> None:
    """Write ``report.html`` and, with `phases`, a page beside each executed notebook in ``phases/``.

    A phase whose notebook is missing or broken has its page too: with the verdicts that the result has of it.
    """
    result = _with_planned_phases(result)
    names = entry.phase_names(result)
    if phases:
        (folder / "phases").mkdir(exist_ok=True)
        for name in names:
            page = phase.page(folder / "phases" / f"{name}.ipynb", name, result, names)
            write_atomically(folder / "phases" / f"{name}.html", page)
    pages = {name: f"phases/{phase_page(name)}" for name in names if (folder / "phases" / f"{name}.html").is_file()}
    write_atomically(folder / "report.html", entry.page(result, pages))


def _with_planned_phases(result: dict[str, Any]) -> dict[str, Any]:
    """Return the result with each verdict in the phase of the plan: what a kernel says becomes no file's name."""
    planned = {one["check"]: one["phase"] for one in result["plan"]}
    verdicts = [{**verdict, "phase": planned[verdict["check"]]} for verdict in result["verdicts"]]
    return {**result, "verdicts": verdicts}
