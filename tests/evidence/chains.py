"""Folders of runs that hold manifests alone, such as `dsaudit prune` leaves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dsaudit.evidence import chain, manifest


def record(run: str, number: int = 1, previous: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    """Return a manifest of a run that has no files."""
    at = f"2026-11-26T{10 + number}:00:00+00:00"
    return {
        "schema": 1,
        "run": {"id": run, "integration": "acme", "blueprint": "datasource", "started": at, "ended": at},
        "decision": "GO",
        "number": number,
        "previous": previous,
        "sealed": at,
        "files": {},
        "code": {"commit": None, "dirty": None, "versions": {}},
        "notebooks": {},
        "parameters": {"file": "acme.yml", "sha256": "0" * 64},
        "database": "7/acme",
        "instant": at,
        "digest": "0" * 64,
        "renderer": {},
        **more,
    }


def write(reports: Path, record: dict[str, Any], folder: str = "") -> dict[str, str]:
    """Write a manifest into a folder of its own, and return what the next one says of it."""
    path = reports / (folder or record["run"]["id"]) / manifest.NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record), encoding="utf-8")
    return {"run": record["run"]["id"], "sha256": manifest.sha256(path.read_bytes())}


def series(reports: Path, *runs: str) -> list[dict[str, Any]]:
    """Write a chain of runs, and return their manifests."""
    written: list[dict[str, Any]] = []
    previous = None
    for number, run in enumerate(runs, 1):
        written.append(record(run, number, previous))
        previous = write(reports, written[-1])
    return written


def told(reports: Path) -> list[str]:
    """Return what is wrong with the chain, in sentences."""
    return [fault.words for fault in chain.faults(reports)]
