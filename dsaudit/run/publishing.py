"""Makes the files of a run, looks through all of them for secrets, and gives its folder the final name."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from dsaudit import evidence, report
from dsaudit.parameters import Parameters
from dsaudit.run import collect, decide
from dsaudit.run.execute import Phase


def drafts(folder: Path, phases: Sequence[Phase], run: dict[str, Any]) -> Iterator[dict[str, str]]:
    """Write the documents that the phases have drafted, and yield a record of each."""
    for name, (phase, text) in collect.drafts(phases, run).items():
        path = folder / f"{name}.md"
        evidence.write_atomically(path, text)
        digest = hashlib.sha256(text.encode()).hexdigest()
        yield {"name": name, "phase": phase, "path": path.name, "sha256": digest}


def publish(folder: Path, result: dict[str, Any], parameters: Parameters) -> Path:
    """Write the files, look through all of them for secrets, and give the folder its final name."""
    report.write(folder, result)
    _write_result(folder, result)
    leaks = evidence.scan(folder, parameters)
    if leaks:
        result["problems"] += [f"a secret stood in {leak}; the file was removed" for leak in leaks]
        result["drafts"] = [draft for draft in result["drafts"] if draft["path"] not in leaks]
        decide.downgrade(result, "a secret stood in the evidence")
        result["digest"] = evidence.digest(result)
        report.write(folder, result, phases=False)
        _write_result(folder, result)
        evidence.scan(folder, parameters)  # what cannot be told without the secret is not told
    final = folder.parent.parent / folder.name
    folder.rename(final)
    evidence.sync(final.parent)
    with contextlib.suppress(OSError):
        folder.parent.rmdir()
    return final


def _write_result(folder: Path, result: dict[str, Any]) -> None:
    evidence.write_atomically(folder / "result.json", json.dumps(result, indent=1, ensure_ascii=False))
