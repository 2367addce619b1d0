"""Runs that are as they were sealed are accepted, whatever they ended with; and `verify` says the same every time."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from dsaudit.evidence import chain, sealing
from dsaudit.evidence.verifying import UNSIGNED, Found, VerifyError, verify
from dsaudit.run import publishing
from tests.evidence.conftest import Runs, new_key
from tests.evidence.tampering import EXECUTED, PAGE, flipped
from tests.run.test_run import command


def lines(found: Found) -> list[str]:
    return [*found.problems, *found.unknown, *found.proven, *found.remarks]


def test_every_kind_of_run_is_accepted_and_what_it_proves_is_told(runs: Runs, tmp_path: Path) -> None:
    decisions = {}
    for name, folder in zip(runs.named, runs.copy(tmp_path), strict=True):
        found = verify(folder)
        assert (found.exit, found.problems, found.unknown) == (0, [], []), name
        decisions[name] = json.loads((folder / "result.json").read_text())["decision"]
        assert any("follow from the executed notebooks" in line for line in found.proven), name
        assert "pages and exports are what follows from result and notebooks" in found.proven, name
        assert (UNSIGNED in found.remarks) == (name != "signed"), name
    assert decisions == dict.fromkeys(("first", "accepted", "waived"), "GO") | {
        "signed": "NO-GO",
        "unsigned": "NO-GO",
    }
    assert not chain.faults(tmp_path / "ledger")
    assert [link.run for link in chain.links(tmp_path / "ledger")] == [*runs.named.values()]


def test_the_signed_run_is_proven_by_its_key_and_the_same_is_said_every_time(runs: Runs, signed: Path) -> None:
    first = verify(signed, runs.keys)
    assert first.exit == 0, lines(first)
    assert any(line.startswith("signed by SHA256:") for line in first.proven)
    assert any(line.startswith("number 2 of its chain, after ") for line in first.proven)
    assert verify(signed, runs.keys) == first


def test_the_seal_is_that_of_the_terminal(signed: Path) -> None:
    assert verify(signed, seal=chain.seal_of(signed)).exit == 0
    assert verify(signed, seal=chain.seal_of(signed)[:8]).exit == 1, "too short to tell runs apart"


def test_a_run_alone_is_intact_and_what_is_not_beside_it_is_said(signed: Path, tmp_path: Path) -> None:
    alone = tmp_path / "sent by mail"
    shutil.move(signed, alone)
    found = verify(alone)
    assert found.exit == 0, lines(found)
    assert any(line.startswith("the run that it follows, ") for line in found.remarks)
    assert any(line.startswith("this folder is called sent by mail, and holds the run ") for line in found.remarks)


def test_what_was_pruned_cannot_be_told_whole(signed: Path) -> None:
    (signed / "pruned.json").write_text("{}")
    for path in ("phases", PAGE, "summary.md", "result.json"):
        shutil.rmtree(signed / path) if path == "phases" else (signed / path).unlink()
    found = verify(signed)
    assert (found.exit, found.problems) == (2, [])
    assert found.unknown == ["pruned: 7 files of the run are gone, and nothing is told of them"]
    assert not chain.faults(signed.parent), "its manifest is enough for the chain"


def test_what_was_not_changed_is_not_accused(signed: Path) -> None:
    flipped(signed / "summary.md")
    (signed / PAGE).unlink()
    found = verify(signed)
    assert found.problems == [f"{PAGE}: is missing", "summary.md: was changed: its digest is another"]
    assert any("follow from the executed notebooks" in line for line in found.proven)


@pytest.mark.parametrize(
    ("leak", "unknown"),
    [
        ("summary.md", "not rendered again: a secret stood in the evidence, and files were removed"),
        (EXECUTED, f"not judged again: a secret stood in {EXECUTED}, which was removed"),
    ],
)
def test_a_run_that_held_a_secret_cannot_be_told_whole(runs: Runs, tmp_path: Path, leak: str, unknown: str) -> None:
    folder = runs.copy(tmp_path, "first")[0]
    result = json.loads((folder / "result.json").read_text())
    publishing.tell_leaks(result, [leak])
    publishing.write(folder, result, phases=False)
    (folder / leak).unlink()
    sealing.seal(folder, tmp_path, result, None)
    found = verify(folder)
    assert (found.exit, found.problems, found.unknown) == (2, [], [unknown])


def test_a_run_of_other_code_is_held_against_this_one_and_what_differs_is_not_told(
    unsigned: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dsaudit.evidence.verifying.renderer", lambda: {"code": "1", "nbconvert": "9"})
    assert verify(unsigned).exit == 0, "the same words by other code are the same words"
    monkeypatch.setattr("dsaudit.report.summary.MOST_FAILURES", 0)
    found = verify(unsigned)
    assert (found.exit, found.problems) == (2, [])
    assert found.unknown[0].startswith("made by other code (another dsaudit, ")
    assert found.unknown[1:] == ["summary.md: is not what follows from the executed notebooks"]


def test_no_folder_of_a_run_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(VerifyError, match=r"this is no folder of a run: it has no manifest\.json"):
        verify(tmp_path)


def test_the_command_says_it_in_lines_and_by_its_exit_status(runs: Runs, signed: Path, tmp_path: Path) -> None:
    done = command("verify", str(signed), "--key", str(runs.public))
    assert done.exit_code == 0, done.output
    assert done.output.startswith(f"intact  {signed}\n✓ ")
    other = new_key(tmp_path / "other").with_suffix(".pub")
    refused = command("verify", str(signed), "--key", str(other))
    assert refused.exit_code == 1
    assert refused.output.startswith(f"REFUSED  {signed}\n✗ statement.dsse.json: is signed by SHA256:")
    (tmp_path / "empty").mkdir()
    assert command("verify", str(tmp_path / "empty")).exit_code == 3
    private = command("verify", str(signed), "--key", str(runs.private))
    assert (private.exit_code, "this is a private key" in private.output) == (3, True)
