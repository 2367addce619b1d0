"""Seals a run: its manifest, and where there is a key, the signed statement that names it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dsaudit.evidence import chain, manifest, signing
from dsaudit.evidence.files import below, is_folder, write_atomically
from dsaudit.evidence.manifest import Manifest
from dsaudit.evidence.provenance import renderer

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

Record = dict[str, Any]
IN_TOTO = "application/vnd.in-toto+json"  # the payload's type
PREDICATE = "https://in-toto.io/attestation/test-result/v0.1"


def seal(folder: Path, reports: Path, result: Record, key: Ed25519PrivateKey | None) -> None:
    """Write the manifest of a run that is whole, as the next in the chain of `reports`, whose lock is held.

    It is written into the folder before that gets its final name: a run that is killed in between is none, and the
    next one takes its place in the chain.
    """
    for path in [*below(folder)]:
        if path.match(".*.draft"):
            path.unlink()  # of a write that was killed
    record = manifest_of(folder, result, chain.newest(reports))
    text = json.dumps(record, indent=1, ensure_ascii=False) + "\n"
    write_atomically(folder / manifest.NAME, text)
    (folder / manifest.STATEMENT).unlink(missing_ok=True)
    if key:
        content = text.encode()
        told = statement(manifest.parsed(content), manifest.sha256(content), result["verdicts"])
        write_atomically(folder / manifest.STATEMENT, signing.signed(IN_TOTO, told, key))


def manifest_of(folder: Path, result: Record, previous: chain.Link | None) -> Record:
    """Return the manifest of a run's folder as it is now."""
    return {
        "schema": 1,
        **facts(result),
        "number": previous.manifest.number + 1 if previous else 1,
        "previous": {"run": previous.run, "sha256": previous.sha256} if previous else None,
        "sealed": datetime.now(UTC).isoformat(),
        "files": {name: _file(path) for name, path in shared(folder)},
        "renderer": renderer(),
    }


def facts(result: Record) -> Record:
    """Return what a manifest says of a run beside its files and its place: the same as the result does."""
    run, instant = result["run"], result["instant"]
    return {
        "run": {name: run[name] for name in ("id", "integration", "blueprint", "started", "ended")},
        "decision": result["decision"],
        "code": {name: run[name] for name in ("commit", "dirty", "versions")},
        "notebooks": {phase["name"]: phase["source"] for phase in result["phases"]},
        "parameters": {name: result["parameters"][name] for name in ("file", "sha256")},
        "database": f"{instant['system_identifier']}/{instant['database']}",
        "instant": instant["time"],
        "digest": result["digest"],
    }


def shared(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield all that a run shares, name and path, in the order of names: what its manifest has to list."""
    for path in sorted(folder.iterdir()):
        if path.name in manifest.AFTERWARDS or (path.name in manifest.NOT_LISTED and is_folder(path)):
            continue
        for one in below(path) if is_folder(path) else [path]:
            if not is_folder(one):
                yield one.relative_to(folder).as_posix(), one


def _file(path: Path) -> Record:
    content = path.read_bytes()
    return {"sha256": manifest.sha256(content), "bytes": len(content)}


def statement(sealed: Manifest, seal: str, verdicts: list[Record]) -> Record:
    """Return the in-toto statement on a run: its manifest as the subject, the checks as tests.

    The form knows no test that is not known to have passed or failed: what was not proven is told as failed, what was
    waived as passed with a warning, and what was skipped is no test that was run.
    """
    told = {status: [one["check"] for one in verdicts if one["status"] == status] for status in ("pass", "waived")}
    others = ("pass", "waived", "skipped")
    went = {"GO": "WARNED" if told["waived"] else "PASSED"}.get(sealed.decision, "FAILED")
    configuration = {sealed.parameters.file: sealed.parameters.sha256}
    configuration |= {f"{sealed.run.blueprint}/{name}.ipynb": digest for name, digest in sealed.notebooks.items()}
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": manifest.NAME, "digest": {"sha256": seal}}],
        "predicateType": PREDICATE,
        "predicate": {
            "result": went,
            "configuration": [{"name": name, "digest": {"sha256": one}} for name, one in configuration.items()],
            "passedTests": told["pass"],
            "warnedTests": told["waived"],
            "failedTests": [one["check"] for one in verdicts if one["status"] not in others],
        },
    }
