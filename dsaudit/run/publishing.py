"""Makes the files of a run, looks through all of them for secrets, and gives its folder the final name."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dsaudit import evidence, exports, report
from dsaudit.evidence import chain, sealing
from dsaudit.evidence.manifest import RESULT
from dsaudit.parameters import Parameters
from dsaudit.parameters.baseline import Baseline
from dsaudit.run import collect, decide
from dsaudit.run.execute import Phase

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

BASELINE = "baseline.json"


def drafts(folder: Path, phases: Sequence[Phase], run: dict[str, Any]) -> Iterator[dict[str, str]]:
    """Write the documents that the phases have drafted, and yield a record of each."""
    for name, (phase, text) in collect.drafts(phases, run).items():
        path = folder / f"{name}.md"
        evidence.write_atomically(path, text)
        digest = hashlib.sha256(text.encode()).hexdigest()
        yield {"name": name, "phase": phase, "path": path.name, "sha256": digest}


def publish(
    folder: Path, result: dict[str, Any], parameters: Parameters, accepted: Baseline, key: Ed25519PrivateKey | None
) -> Path:
    """Write the files, look through all of them for secrets, seal the run and give its folder the final name."""
    if accepted.seal:  # its rows' names are hashes; without it the run could not be judged again
        evidence.write_atomically(folder / BASELINE, json.dumps(accepted.model_dump(), indent=1) + "\n")
    write(folder, result)
    leaks = evidence.scan(folder, parameters)
    if leaks:
        tell_leaks(result, leaks)
        write(folder, result, phases=False)
        evidence.scan(folder, parameters)  # what cannot be told without the secret is not told
    there = final(folder)
    with chain.locked(there.parent):
        sealing.seal(folder, there.parent, result, key)
        folder.rename(there)
        evidence.sync(there.parent)
    with contextlib.suppress(OSError):
        folder.parent.rmdir()
    return there


def final(folder: Path) -> Path:
    """Return where the folder of a run goes that is unfinished."""
    return folder.parent.parent / folder.name


def tell_leaks(result: dict[str, Any], leaks: Sequence[str]) -> None:
    """Say in a result which files were removed, since a secret stood in them."""
    result["leaks"] = [*leaks]
    result["problems"] += [f"a secret stood in {leak}; the file was removed" for leak in leaks]
    result["drafts"] = [draft for draft in result["drafts"] if draft["path"] not in leaks]
    decide.downgrade(result, "a secret stood in the evidence")
    result["digest"] = evidence.digest(result)


def write(folder: Path, result: dict[str, Any], phases: bool = True) -> None:
    """Write every file that follows from the result and the executed notebooks; `dsaudit verify` does it again."""
    report.write(folder, result, phases)
    exports.write(folder, result)
    evidence.write_atomically(folder / RESULT, json.dumps(result, indent=1, ensure_ascii=False))
