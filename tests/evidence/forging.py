"""Ways to tamper with a run's manifest, statement, sign-offs and neighbours, each with the sentence that refuses it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dsaudit.evidence import signing
from tests.evidence.chains import record
from tests.evidence.conftest import edit
from tests.evidence.tampering import in_place_of, of_the_other_run, written

Change = Callable[[Path], object]
MANIFEST, STATEMENT = "manifest.json", "statement.dsse.json"
NO_FILE = {"sha256": "0" * 64, "bytes": 1}


def manifest(change: Callable[[Any], object]) -> Change:
    """Return what changes manifest.json."""
    return lambda folder: edit(folder / MANIFEST, change)


def listed(name: str) -> Change:
    """Return what adds a file to the manifest's list."""
    return manifest(lambda r: r["files"].update({name: NO_FILE}))


def moved(**place: Any) -> Change:
    """Return what changes the run's instants."""
    return manifest(lambda r: r["run"].update(place))


MANIFESTS: dict[str, tuple[Change, str]] = {
    "gone": (lambda f: (f / MANIFEST).unlink(), "is missing"),
    "a link": (
        lambda f: in_place_of(f / MANIFEST, lambda path: path.symlink_to("result.json")),
        "is not a regular file",
    ),
    "cut off": (lambda f: (f / MANIFEST).write_text('{"schema": 1'), "is not JSON"),
    "not text": (lambda f: (f / MANIFEST).write_bytes(b'{"schema": "\xff"}'), "is not UTF-8 text"),
    "nested deep": (lambda f: (f / MANIFEST).write_text("[" * 10**5), "is nested too deep"),
    "a list": (lambda f: (f / MANIFEST).write_text("[]"), "input should be "),
    "a key given twice": (
        lambda f: written(f / MANIFEST, '"schema": 1,', '"schema": 1, "decision": "GO",'),
        "has the key 'decision' twice in one object",
    ),
    "a number that is none": (
        lambda f: written(f / MANIFEST, '"schema": 1,', '"schema": NaN,'),
        "is not JSON: NaN is no number",
    ),
    "an unknown schema": (manifest(lambda r: r.update(schema=2)), "is of schema 2; this dsaudit reads schema 1"),
    "a schema that is true": (manifest(lambda r: r.update(schema=True)), "is of schema True"),
    "an unknown key": (manifest(lambda r: r.update(more=1)), "more: extra inputs are not permitted"),
    "a missing key": (manifest(lambda r: r.pop("digest")), "digest: field required"),
    "a number as text": (manifest(lambda r: r.update(number="2")), "number: input should be a valid integer"),
    "a decision that is none": (manifest(lambda r: r.update(decision="OK")), "decision: input should be 'GO', "),
    "a digest in capitals": (manifest(lambda r: r.update(digest="A" * 64)), "digest: string should match pattern"),
    "an instant without its offset": (
        moved(ended="2026-11-26T10:00:00"),
        "run.ended: an instant with its offset is expected",
    ),
    "an instant that is none": (moved(ended="yesterday"), "run.ended: invalid isoformat string: 'yesterday'"),
    "a path that leaves the folder": (listed("../x"), "files.../x: leaves the run's folder, or is no plain path"),
    "a path from the root": (listed("/etc/passwd"), "files./etc/passwd: leaves the run's folder"),
    "a path that is not plain": (listed("phases//x"), "files.phases//x: leaves the run's folder"),
    "a path of another system": (listed("phases\\x"), "files.phases\\x: leaves the run's folder"),
    "a private file": (listed("private/x"), "files.private/x: is not among the files that a manifest lists"),
    "itself": (listed(MANIFEST), "files.manifest.json: is not among the files that a manifest lists"),
    "two names equal but for their Unicode form": (
        manifest(lambda r: r["files"].update({"é.md": NO_FILE, "e\u0301.md": NO_FILE})),
        "and another name are equal but for their case or Unicode form",
    ),
    "two names equal but for their case": (listed("RESULT.json"), "are equal but for their case or Unicode form"),
    "the first number after another run": (manifest(lambda r: r.update(number=1)), "number: 1 is the run that follows"),
}

# What these are refused by stands at the beginning of a line of its own.
LIES: dict[str, tuple[Change, str]] = {
    "a file's digest": (
        manifest(lambda r: r["files"]["summary.md"].update(sha256="0" * 64)),
        "summary.md: was changed: its digest is another",
    ),
    "a file's size": (
        manifest(lambda r: r["files"]["summary.md"].update(bytes=7)),
        "summary.md: was changed: it has ",
    ),
    "a file not listed": (manifest(lambda r: r["files"].pop("summary.md")), "summary.md: was added"),
    "the result not listed": (
        manifest(lambda r: r["files"].pop("result.json")),
        "result.json: the manifest does not list it",
    ),
    "a file that never was": (listed("more.md"), "more.md: is missing"),
    "another decision": (manifest(lambda r: r.update(decision="GO")), "result.json: its `decision` is not "),
    "another database": (manifest(lambda r: r.update(database="1/x")), "result.json: its `database` is not "),
    "another instant": (manifest(lambda r: r.update(instant="x")), "result.json: its `instant` is not "),
    "another parameter file": (
        manifest(lambda r: r["parameters"].update(sha256="0" * 64)),
        "result.json: its `parameters` is not ",
    ),
    "other notebooks": (manifest(lambda r: r["notebooks"].popitem()), "result.json: its `notebooks` is not "),
    "other code": (manifest(lambda r: r["code"].update(commit="0" * 40)), "result.json: its `code` is not "),
    "another run": (moved(id="20200101T000000Z-0000"), "result.json: its `run` is not "),
    "an end before the start": (moved(ended="2020-01-01T00:00:00+00:00"), "clock: the run ended before it started"),
    "sealed before the end": (
        manifest(lambda r: r.update(sealed="2020-01-01T00:00:00+00:00")),
        "clock: the run was sealed before it ended",
    ),
    "another place in the chain": (manifest(lambda r: r.update(number=7)), "chain: "),
    "another run before it": (
        manifest(lambda r: r["previous"].update(sha256="0" * 64)),
        "chain: ",
    ),
}


def neighbour(change: Callable[[Any], object]) -> Change:
    """Return what changes the manifest of the run that a run follows."""
    return lambda folder: edit(
        next(one for one in folder.parent.glob("*/manifest.json") if one.parent != folder), change
    )


def followed(folder: Path) -> None:
    """Let a later run say that it followed another state of this one."""
    run = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["run"]
    later = record("later", 3, {"run": run["id"], "sha256": "0" * 64})
    later["run"]["integration"] = run["integration"]
    (folder.parent / "later").mkdir()
    (folder.parent / "later" / MANIFEST).write_text(json.dumps(later))


BESIDE: dict[str, tuple[Change, str]] = {
    "the run before it was edited": (neighbour(lambda r: r.update(instant="x")), "chain: "),
    "the run before it was sealed after it": (
        neighbour(lambda r: r.update(sealed="2099-01-01T00:00:00+00:00")),
        "chain: ",
    ),
    "a later run has seen it otherwise": (followed, "chain: later beside it followed this run when its seal was 0000"),
}


def envelope(change: Callable[[Any], object]) -> Change:
    """Return what changes the envelope of the statement."""
    return lambda folder: edit(folder / STATEMENT, change)


def payload(change: Callable[[Any], object]) -> Change:
    """Return what changes the statement in its envelope, and leaves the signature."""

    def changed(record: Any) -> None:
        told = json.loads(base64.b64decode(record["payload"]))
        change(told)
        record["payload"] = base64.b64encode(json.dumps(told, sort_keys=True).encode()).decode()

    return envelope(changed)


def forged(key: Path, kind: str, told: Any) -> str:
    """Return an envelope signed by a key of one's own."""
    return signing.signed(kind, told, signing.private_key(key))


STATEMENTS: dict[str, tuple[Change, str]] = {
    "gone": (lambda f: (f / STATEMENT).unlink(), "is missing: the run's parameter file names a key to sign by"),
    "cut off": (lambda f: (f / STATEMENT).write_text("{"), "is not JSON"),
    "no envelope": (lambda f: (f / STATEMENT).write_text("{}"), "is no DSSE envelope"),
    "not base64": (envelope(lambda r: r.update(payload="§")), "is no DSSE envelope"),
    "without a signature": (envelope(lambda r: r.update(signatures=[])), "has no signature"),
    "of another kind": (
        envelope(lambda r: r.update(payloadType="text/plain")),
        "holds a record of the kind 'text/plain', and not 'application/vnd.in-toto+json'",
    ),
    "of another run": (lambda f: of_the_other_run(f, STATEMENT), "is of another manifest"),
    "of another predicate": (payload(lambda r: r.update(predicateType="x")), "is no statement of the type "),
    "of another subject": (payload(lambda r: r["subject"][0].update(name="x")), "is of another manifest"),
    "with another result": (
        payload(lambda r: r["predicate"].update(result="PASSED", failedTests=[])),
        "says something else of the run than its result",
    ),
    "with a key given twice": (
        lambda f: written(f / STATEMENT, '"payloadType"', '"payload": "", "payloadType"'),
        "has the key 'payload' twice in one object",
    ),
}
