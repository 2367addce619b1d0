"""Ways to tamper with the files of a run, each with the sentence by which `verify` refuses it.

`resealed` is the sentence that is still given where whoever does it also rebuilds the manifest, which needs no key. Who
makes pages and result anew as well, so that all of it follows from the changed notebooks, is told by a signature alone:
see `test_tampering`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.evidence.conftest import LINES, ONCE, edit

FOLLOWS = "is not what follows from the executed notebooks"


@dataclass(frozen=True)
class Kind:
    """One way."""

    change: Callable[[Path], object]
    refused: str
    resealed: str


def flipped(path: Path) -> None:
    """Flip one bit in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def written(path: Path, change: str, to: str) -> None:
    """Replace a text that has to be there."""
    text = path.read_text(encoding="utf-8")
    assert change in text, f"{path.name} has no {change!r}"
    path.write_text(text.replace(change, to), encoding="utf-8")


def swapped(one: Path, other: Path) -> None:
    """Let two files change places."""
    content = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(content)


def in_place_of(path: Path, make: Callable[[Path], object]) -> None:
    """Put something else where a file was."""
    path.unlink()
    make(path)


def of_the_other_run(folder: Path, name: str) -> None:
    """Put a file of the run before into this one."""
    other = next(one for one in sorted(folder.parent.iterdir()) if one.is_dir() and one != folder)
    shutil.copyfile(other / name, folder / name)


def result(change: Callable[[Any], object]) -> Callable[[Path], object]:
    """Return what changes result.json."""
    return lambda folder: edit(folder / "result.json", change)


def notebook(change: Callable[[Any], object], name: str = "05_lines") -> Callable[[Path], object]:
    """Return what changes an executed notebook."""
    return lambda folder: edit(folder / "phases" / f"{name}.ipynb", change)


def verdict_of(record: Any, check: str) -> Any:
    """Return a check's verdict in a result."""
    return next(one for one in record["verdicts"] if one["check"] == check)


def shown_verdict(record: Any, check: str = LINES) -> Any:
    """Return a check's verdict in an executed notebook."""
    kind = "application/vnd.dsaudit.verdict+json"
    shown = [out["data"].get(kind) for cell in record["cells"] for out in cell.get("outputs", []) if "data" in out]
    return next(one for one in shown if one and one["check"] == check)


def passed(verdict: Any) -> None:
    """Make a verdict green."""
    verdict.update(status="pass", rows=[], findings=[])
    for one in verdict["results"]:
        one.update(status="pass", total=0)


def without_its_cell(record: Any) -> None:
    """Take the cell of a failing check out of an executed notebook."""
    record["cells"] = [cell for cell in record["cells"] if f"audit.check('{LINES}')" not in "".join(cell["source"])]


def doubled_key(folder: Path) -> None:
    """Give the decision twice in one object."""
    written(folder / "result.json", '"schema": 1,\n "run"', '"schema": 1,\n "decision": "GO",\n "run"')


PAGE, PHASE = "report.html", "phases/05_lines.html"
EXECUTED = "phases/05_lines.ipynb"
CHANGED = "was changed: its digest is another"
NOT_EXECUTED = f"{EXECUTED}: is not the notebook that result.json says was executed"

FILES = {
    "a bit of a page": Kind(lambda f: flipped(f / PAGE), f"{PAGE}: {CHANGED}", f"{PAGE}: {FOLLOWS}"),
    "a page that says GO": Kind(
        lambda f: written(f / PAGE, "NO-GO", "GO"), f"{PAGE}: was changed: it has ", f"{PAGE}: {FOLLOWS}"
    ),
    "a page cut off": Kind(
        lambda f: os.truncate(f / PAGE, 99), f"{PAGE}: was changed: it has 99 bytes", f"{PAGE}: {FOLLOWS}"
    ),
    "a page made empty": Kind(
        lambda f: os.truncate(f / PAGE, 0), f"{PAGE}: was changed: it has 0 bytes", f"{PAGE}: {FOLLOWS}"
    ),
    "a page gone": Kind(
        lambda f: (f / PAGE).unlink(), f"{PAGE}: is missing", f"{PAGE}: a run writes this file, and it is not there"
    ),
    "a phase's page gone": Kind(
        lambda f: (f / PHASE).unlink(), f"{PHASE}: is missing", f"{PHASE}: a run writes this file, and it is not there"
    ),
    "a bit of a phase's page": Kind(lambda f: flipped(f / PHASE), f"{PHASE}: {CHANGED}", f"{PHASE}: {FOLLOWS}"),
    "a script in a page": Kind(
        lambda f: written(f / PHASE, "</body>", "<script>1</script></body>"),
        f"{PHASE}: was changed",
        f"{PHASE}: {FOLLOWS}",
    ),
    "two pages in each other's place": Kind(
        lambda f: swapped(f / PHASE, f / "phases/04_once.html"), f"{PHASE}: was changed", f"{PHASE}: {FOLLOWS}"
    ),
    "the page of another run": Kind(lambda f: of_the_other_run(f, PAGE), f"{PAGE}: was changed", f"{PAGE}: {FOLLOWS}"),
    "the summary": Kind(
        lambda f: written(f / "summary.md", "NO-GO", "GO"), "summary.md: was changed", f"summary.md: {FOLLOWS}"
    ),
    "a bit of a notebook": Kind(lambda f: flipped(f / EXECUTED), f"{EXECUTED}: {CHANGED}", NOT_EXECUTED),
    "a notebook gone": Kind(
        lambda f: (f / EXECUTED).unlink(),
        f"{EXECUTED}: is missing",
        f"result.json: {LINES} ended fail, and inconclusive follows from the notebooks",
    ),
    "two notebooks in each other's place": Kind(
        lambda f: swapped(f / EXECUTED, f / "phases/04_once.ipynb"), f"{EXECUTED}: was changed", NOT_EXECUTED
    ),
    "the notebook of another run": Kind(
        lambda f: of_the_other_run(f, EXECUTED),
        f"{EXECUTED}: was changed",
        f"result.json: {LINES} ended fail, and inconclusive follows from the notebooks",
    ),
    "a notebook's cells in another order": Kind(
        notebook(lambda r: r["cells"].reverse()),
        f"{EXECUTED}: was changed",
        f"{EXECUTED}: its cells do not stand in the order in which they were executed",
    ),
    "a cell of a notebook dropped": Kind(
        notebook(without_its_cell),
        f"{EXECUTED}: was changed",
        f"result.json: {LINES} ended fail, and inconclusive follows from the notebooks",
    ),
    "a verdict in a notebook made green": Kind(
        notebook(lambda r: passed(shown_verdict(r))),
        f"{EXECUTED}: was changed",
        f"result.json: {LINES} ended fail, and pass follows from the notebooks",
    ),
    "a row of a verdict in a notebook": Kind(
        notebook(lambda r: shown_verdict(r)["rows"].pop()),
        f"{EXECUTED}: was changed",
        f"result.json: the verdict of {LINES} {FOLLOWS}",
    ),
    "what a notebook printed": Kind(
        lambda f: written(f / EXECUTED, "looked at\\n", "looked away\\n"), f"{EXECUTED}: was changed", NOT_EXECUTED
    ),
    "a key given twice in a notebook": Kind(
        lambda f: written(f / EXECUTED, '"nbformat": 4', '"nbformat": 3,\n "nbformat": 4'),
        f"{EXECUTED}: was changed",
        NOT_EXECUTED,
    ),
    "a page added": Kind(
        lambda f: (f / "report2.html").write_text("GO"),
        "report2.html: was added: the manifest does not list it",
        "report2.html: a run writes no such file",
    ),
    "a notebook added": Kind(
        lambda f: shutil.copyfile(f / EXECUTED, f / "phases/06_more.ipynb"),
        "phases/06_more.ipynb: was added",
        "phases/06_more.ipynb: a run writes no such file",
    ),
    "a hidden file added": Kind(
        lambda f: (f / "phases/.note").write_text("x"), "phases/.note: was added", "phases/.note: a run writes no such"
    ),
    "a file in a folder called private": Kind(
        lambda f: ((f / "phases/private").mkdir(), (f / "phases/private/x").write_text("x")),
        "phases/private/x: was added",
        "phases/private/x: a run writes no such file",
    ),
    "a name equal but for its case": Kind(
        lambda f: shutil.copyfile(f / PAGE, f / "Report.html"),
        "Report.html: was added",
        "manifest.json: files: 'Report.html' and another name are equal but for their case or Unicode form",
    ),
    "a name that no terminal prints": Kind(
        lambda f: (f / "x\x1b[2J.md").write_text("x"),
        "x\\u001b[2J.md: was added",
        "manifest.json: files.x\\u001b[2J.md",
    ),
    "a baseline added": Kind(
        lambda f: (f / "baseline.json").write_text('{"integration": "ledger", "key": "", "seal": "x"}'),
        "baseline.json: was added",
        "baseline.json: is none that was in force",
    ),
    "the decision": Kind(
        result(lambda r: r.update(decision="GO", exit=0)),
        "result.json: the decision is GO, and NO-GO follows from the notebooks",
        "result.json: the decision is GO, and NO-GO follows from the notebooks",
    ),
    "the reasons": Kind(
        result(lambda r: r.update(reasons=[])), f"result.json: `reasons` {FOLLOWS}", f"result.json: `reasons` {FOLLOWS}"
    ),
    "a verdict made green": Kind(
        result(lambda r: passed(verdict_of(r, LINES))),
        f"result.json: {LINES} ended pass, and fail follows from the notebooks",
        f"result.json: {LINES} ended pass, and fail follows from the notebooks",
    ),
    "how much was examined": Kind(
        result(lambda r: verdict_of(r, ONCE)["results"][0].update(examined=10**6)),
        f"result.json: the verdict of {ONCE} {FOLLOWS}",
        f"result.json: the verdict of {ONCE} {FOLLOWS}",
    ),
    "a verdict waived": Kind(
        result(lambda r: verdict_of(r, LINES).update(waiver={"owner": "x", "reason": "x", "expires": "2099-01-01"})),
        f"result.json: the verdict of {LINES} {FOLLOWS}",
        f"result.json: the verdict of {LINES} {FOLLOWS}",
    ),
    "a verdict dropped": Kind(
        result(lambda r: r["verdicts"].remove(verdict_of(r, LINES))),
        "result.json: its verdicts are not one for each check of the plan",
        "result.json: its verdicts are not one for each check of the plan",
    ),
    "two verdicts in another order": Kind(
        result(lambda r: r["verdicts"].reverse()),
        "result.json: its verdicts are not one for each check of the plan",
        "result.json: its verdicts are not one for each check of the plan",
    ),
    "a check dropped from the plan": Kind(
        result(lambda r: r["plan"].pop(1)),
        "result.json: its verdicts are not one for each check of the plan",
        "result.json: its verdicts are not one for each check of the plan",
    ),
    "a check no longer required": Kind(
        result(lambda r: [one.update(required=False) for one in r["plan"]]),
        "result.json: the decision is NO-GO, and INCONCLUSIVE follows from the notebooks",
        "result.json: the decision is NO-GO, and INCONCLUSIVE follows from the notebooks",
    ),
    "a success criterion": Kind(
        result(lambda r: r["criteria"][0].update(actual="100 %")),
        f"result.json: `criteria` {FOLLOWS}",
        f"result.json: `criteria` {FOLLOWS}",
    ),
    "an item that a person has to do": Kind(
        result(lambda r: r["checklist"][1].update(status="pass")),
        f"result.json: `checklist` {FOLLOWS}",
        f"result.json: `checklist` {FOLLOWS}",
    ),
    "a waiver in the parameters": Kind(
        result(
            lambda r: r["parameters"]["values"].update(
                waivers=[{"check": LINES, "owner": "x", "reason": "x", "expires": "2099-01-01"}]
            )
        ),
        f"result.json: {LINES} ended fail, and waived follows from the notebooks",
        f"result.json: {LINES} ended fail, and waived follows from the notebooks",
    ),
    "the digest of what was decided": Kind(
        result(lambda r: r.update(digest="0" * 64)), "result.json: `digest` ", f"result.json: `digest` {FOLLOWS}"
    ),
    "the run's nonce": Kind(
        result(lambda r: r["run"].update(nonce="0" * 32)),
        f"result.json: {LINES} ended fail, and inconclusive follows from the notebooks",
        f"result.json: {LINES} ended fail, and inconclusive follows from the notebooks",
    ),
    "a phase called like a path": Kind(
        result(lambda r: r["phases"][0].update(name="../../x")),
        "result.json: '../../x' is no name of a phase",
        "result.json: '../../x' is no name of a phase",
    ),
    "a key given twice": Kind(
        doubled_key,
        "result.json: has the key 'decision' twice in one object",
        "result.json: has the key 'decision' twice in one object",
    ),
    "a result that is none": Kind(
        lambda f: (f / "result.json").write_text("[]"), "result.json: is not a result", "result.json: is not a result"
    ),
    "a result without its parts": Kind(
        result(lambda r: r.pop("terms")),
        "result.json: cannot be judged again: KeyError",
        "result.json: cannot be judged again: KeyError",
    ),
    "a result gone": Kind(
        lambda f: (f / "result.json").unlink(), "result.json: is missing", "result.json: the manifest does not list it"
    ),
    "the result of another run": Kind(
        lambda f: of_the_other_run(f, "result.json"),
        "result.json: its `run` is not the manifest's",
        "this folder is called ",
    ),
    "what the report says of earlier runs": Kind(
        result(lambda r: r.update(history=[])), "result.json: was changed", f"{PAGE}: {FOLLOWS}"
    ),
    "a link in place of a file": Kind(
        lambda f: in_place_of(f / PAGE, lambda path: path.symlink_to("summary.md")),
        f"{PAGE}: is not a regular file",
        f"{PAGE}: is not a regular file",
    ),
    "a link to a folder": Kind(
        lambda f: (f / "more").symlink_to("phases"), "more: is not a regular file", "more: is not a regular file"
    ),
    "a link called private": Kind(
        lambda f: (f / "private").symlink_to("phases"),
        "private: is not a regular file",
        "private: is not a regular file",
    ),
    "a pipe in place of a file": Kind(
        lambda f: in_place_of(f / PAGE, os.mkfifo), f"{PAGE}: is not a regular file", f"{PAGE}: is not a regular file"
    ),
    "a folder in place of a file": Kind(
        lambda f: in_place_of(f / PAGE, Path.mkdir), f"{PAGE}: is missing", f"{PAGE}: a run writes this file"
    ),
}
