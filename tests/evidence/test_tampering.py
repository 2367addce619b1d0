"""Each kind of tampering is refused with its sentence, and what a signature alone can tell is said to be so."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dsaudit.evidence import manifest, sealing
from dsaudit.evidence.verifying import verify
from dsaudit.run import publishing
from tests.evidence import forging, tampering
from tests.evidence.conftest import LINES, ONCE, Runs, edit, new_key
from tests.evidence.tampering import FILES, FOLLOWS, Kind


def refused(folder: Path, sentence: str, **given: Any) -> None:
    found = verify(folder, **given)
    assert found.exit == 1
    assert any(line.startswith(sentence) for line in found.problems), "\n".join(found.problems)


def reseal(folder: Path) -> None:
    """Rebuild the manifest over what is there now: whoever can write the files can, since it takes no key."""
    record = json.loads((folder / manifest.NAME).read_text(encoding="utf-8"))
    files = {}
    for name, path in sealing.shared(folder):
        if path.is_file():
            content = path.read_bytes()
            files[name] = {"sha256": manifest.sha256(content), "bytes": len(content)}
    record["files"] = files
    with contextlib.suppress(OSError, KeyError, TypeError):  # of a result that is none: it says what it said
        record |= sealing.facts(json.loads((folder / "result.json").read_text(encoding="utf-8")))
    (folder / manifest.NAME).write_text(json.dumps(record, indent=1), encoding="utf-8")


def test_there_are_at_least_forty_kinds() -> None:
    tables = (FILES, forging.MANIFESTS, forging.LIES, forging.BESIDE, forging.STATEMENTS)
    assert sum(map(len, tables)) >= 100


@pytest.mark.parametrize("kind", FILES.values(), ids=FILES)
def test_a_file_that_is_not_as_it_was_sealed_is_named(runs: Runs, signed: Path, kind: Kind) -> None:
    kind.change(signed)
    refused(signed, kind.refused, keys=runs.keys)


@pytest.mark.parametrize("kind", FILES.values(), ids=FILES)
def test_who_makes_the_manifest_anew_is_told_by_what_follows_from_the_notebooks(unsigned: Path, kind: Kind) -> None:
    kind.change(unsigned)
    reseal(unsigned)
    refused(unsigned, kind.resealed)


@pytest.mark.parametrize("name", ["a bit of a page", "a verdict made green", "a page added"])
def test_who_makes_the_manifest_of_a_signed_run_anew_is_told_by_its_statement_too(signed: Path, name: str) -> None:
    FILES[name].change(signed)
    reseal(signed)
    refused(signed, FILES[name].resealed)
    refused(signed, "statement.dsse.json: is of another manifest")


@pytest.mark.parametrize(("change", "sentence"), forging.MANIFESTS.values(), ids=forging.MANIFESTS)
def test_a_manifest_that_is_none_is_refused(signed: Path, change: Callable[[Path], object], sentence: str) -> None:
    change(signed)
    found = verify(signed)
    assert found.exit == 1
    (only,) = found.problems
    assert only.startswith("manifest.json: ")
    assert sentence in only


@pytest.mark.parametrize(
    ("change", "sentence"), [*forging.LIES.values(), *forging.BESIDE.values()], ids=[*forging.LIES, *forging.BESIDE]
)
def test_a_manifest_that_lies_is_refused(unsigned: Path, change: Callable[[Path], object], sentence: str) -> None:
    change(unsigned)
    refused(unsigned, sentence)


@pytest.mark.parametrize(("change", "sentence"), forging.STATEMENTS.values(), ids=forging.STATEMENTS)
def test_a_statement_that_is_not_of_this_run_is_refused(
    signed: Path, change: Callable[[Path], object], sentence: str, runs: Runs
) -> None:
    # The run before it is signed too, by the same key, so that its statement is a genuine one.
    before = next(one for one in signed.parent.iterdir() if one != signed)
    text = manifest.content(before / manifest.NAME)
    told = sealing.statement(manifest.parsed(text), manifest.sha256(text), [])
    (before / manifest.STATEMENT).write_text(forging.forged(runs.private, sealing.IN_TOTO, told))
    change(signed)
    refused(signed, f"statement.dsse.json: {sentence}")


def test_a_signature_by_another_key_or_that_does_not_fit_is_refused(runs: Runs, signed: Path, tmp_path: Path) -> None:
    path = signed / manifest.STATEMENT
    genuine = path.read_text()
    told = json.loads(base64.b64decode(json.loads(genuine)["payload"]))
    path.write_text(forging.forged(new_key(tmp_path / "other"), sealing.IN_TOTO, told))
    refused(signed, "statement.dsse.json: is signed by SHA256:", keys=runs.keys)
    name = json.loads(genuine)["signatures"][0]["keyid"]
    edit(path, lambda record: record["signatures"][0].update(keyid=name))
    refused(signed, f"statement.dsse.json: has a signature in the name of {name} that does not fit", keys=runs.keys)


def test_a_seal_kept_elsewhere_tells_a_run_that_was_made_anew(unsigned: Path) -> None:
    seal = manifest.sha256(manifest.content(unsigned / manifest.NAME))
    edit(unsigned / manifest.NAME, lambda record: record.update(previous=None, number=1))
    assert verify(unsigned).exit == 0
    refused(unsigned, "manifest.json: its seal is ", seal=seal)


def test_a_run_in_the_folder_of_another_is_refused(signed: Path) -> None:
    other = next(one for one in signed.parent.iterdir() if one != signed)
    shutil.rmtree(other)
    shutil.copytree(signed, other)
    refused(other, f"this folder is called {other.name}, and holds the run {signed.name}")


@pytest.mark.parametrize("change", [os.unlink, lambda path: edit(path, lambda r: r["checks"].clear())])
def test_the_baseline_that_was_in_force_has_to_be_there(
    runs: Runs, tmp_path: Path, change: Callable[[Path], object]
) -> None:
    folder = runs.copy(tmp_path, "accepted")[0]
    change(folder / publishing.BASELINE)
    reseal(folder)
    refused(folder, f"result.json: {LINES} ended waived, and fail follows from the notebooks")


# Who makes everything anew


def anew(folder: Path, result: Any) -> None:
    """Make a whole run of a changed result and of the notebooks that are there: what a forger with this tool does."""
    for phase in result["phases"]:
        path = folder / phase["path"]
        phase["sha256"] = manifest.sha256(path.read_bytes()) if path.is_file() else ""
    publishing.write(folder, result)
    reseal(folder)


def rewritten(change: Callable[[Any], object]) -> Callable[[Path], None]:
    """Return what changes a result, and makes the rest of the run anew."""

    def forge(folder: Path) -> None:
        result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
        change(result)
        anew(folder, result)

    return forge


def judged_anew(folder: Path) -> None:
    """Let everything in a result follow from the notebooks and the plan again."""
    from dsaudit.evidence import rejudging

    result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    names = [name for name, _ in sealing.shared(folder)]
    again = rejudging._judged(folder, result, rejudging._phases(folder, result, names))
    anew(folder, json.loads(json.dumps(again)))


def green_everywhere(folder: Path) -> None:
    """Make a failing verdict green in the notebook, and everything else from it."""
    tampering.notebook(lambda record: tampering.passed(tampering.shown_verdict(record)))(folder)
    judged_anew(folder)


def another_print(folder: Path) -> None:
    """Change what a notebook printed, and everything else from it."""
    tampering.written(folder / tampering.EXECUTED, "looked at\\n", "looked away\\n")
    judged_anew(folder)


def check_left_out(folder: Path) -> None:
    """Drop a failing check from the plan and from its notebook."""
    tampering.notebook(tampering.without_its_cell)(folder)
    edit(folder / "result.json", lambda r: r.update(plan=[one for one in r["plan"] if one["check"] != LINES]))
    judged_anew(folder)


def other_history(folder: Path) -> None:
    """Say something else of earlier runs."""
    rewritten(lambda result: result.update(history=[]))(folder)


PLANNED = ("plan", "verdicts")
TOLD_ALL_THE_SAME = {
    "the decision": (
        rewritten(lambda r: r.update(decision="GO", exit=0, reasons=[])),
        "result.json: the decision is GO, and NO-GO follows from the notebooks",
    ),
    "a verdict": (
        rewritten(lambda r: tampering.passed(tampering.verdict_of(r, LINES))),
        f"result.json: {LINES} ended pass, and fail follows from the notebooks",
    ),
    "a claim": (
        rewritten(lambda r: tampering.verdict_of(r, ONCE).update(claim="All is well")),
        f"result.json: the verdict of {ONCE} {FOLLOWS}",
    ),
    "a problem": (rewritten(lambda r: r.update(problems=["x"])), f"result.json: `problems` {FOLLOWS}"),
    "a check that was not planned": (
        rewritten(lambda r: [r.update({of: [one for one in r[of] if one["check"] != LINES]}) for of in PLANNED]),
        f"result.json: `problems` {FOLLOWS}",
    ),
}
# Nothing contradicts these: plan, terms, parameters, earlier runs and what kernels said are taken as told.
TOLD_BY_A_SIGNATURE_ALONE = {
    "a verdict, in its notebook too": green_everywhere,
    "what a notebook printed": another_print,
    "a check, in its notebook too": check_left_out,
    "earlier runs": other_history,
    "the commit": rewritten(lambda r: r["run"].update(commit="0" * 40)),
}


@pytest.mark.parametrize(("forge", "sentence"), TOLD_ALL_THE_SAME.values(), ids=TOLD_ALL_THE_SAME)
def test_who_makes_everything_anew_but_the_notebooks_is_refused(
    unsigned: Path, forge: Callable[[Path], None], sentence: str
) -> None:
    forge(unsigned)
    refused(unsigned, sentence)


@pytest.mark.parametrize("forge", TOLD_BY_A_SIGNATURE_ALONE.values(), ids=TOLD_BY_A_SIGNATURE_ALONE)
def test_who_makes_the_notebooks_anew_too_is_told_by_a_signature_alone(
    runs: Runs, unsigned: Path, tmp_path: Path, forge: Callable[[Path], None]
) -> None:
    signed = runs.copy(tmp_path / "signed", "first", "signed")[1]
    forge(unsigned)
    found = verify(unsigned)
    assert found.exit == 0, found.problems
    assert any(line.startswith("unsigned: this guards against mistakes") for line in found.remarks)
    forge(signed)
    refused(signed, "statement.dsse.json: is of another manifest", keys=runs.keys)
