"""Exports: a run's result in the forms that other programs read. Each is a pure function of ``result.json``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from dsaudit.evidence import write_atomically
from dsaudit.exports import junit, metrics, sarif, summary, text

__all__ = ["EXPORTS", "write"]

EXPORTS: Mapping[str, Callable[[dict[str, Any]], str]] = {
    "summary.md": summary.markdown,
    "report.txt": text.report,
    "junit.xml": junit.xml,
    "metrics.prom": metrics.exposition,
    "results.sarif": sarif.log,
}


def write(folder: Path, result: dict[str, Any]) -> None:
    """Write every export of a result into the folder of its run."""
    for name, export in EXPORTS.items():
        write_atomically(folder / name, export(result))
