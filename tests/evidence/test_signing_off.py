"""Sign-off: bound to the run as it is, by a key, of a GO alone; what is done by hand is named."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dsaudit.evidence import manifest, signing, signing_off
from dsaudit.evidence.signing_off import Given, SignOffError, sign_off, told
from dsaudit.evidence.verifying import verify
from tests.evidence.conftest import Runs, edit, new_key
from tests.evidence.tampering import flipped
from tests.run.test_run import command


@pytest.fixture
def go(runs: Runs, tmp_path: Path) -> Path:
    """A copy of the run that ended GO."""
    return runs.copy(tmp_path, "first")[0]


@pytest.fixture
def reviewer(tmp_path: Path) -> Path:
    """A reviewer's private key."""
    return new_key(tmp_path / "reviewer")


def approve(folder: Path, key: Path, *done: str) -> Path:
    return sign_off(folder, Given(True, "Ada L.", "looked at", done), signing.private_key(key))[0]


def test_a_sign_off_is_told_with_who_why_and_what_was_done(go: Path, reviewer: Path) -> None:
    assert "open, for a person to do: Reviewed" in verify(go).remarks
    done = command(
        *("sign-off", str(go), "--approve", "--note", "looked at", "--by", "Ada L.", "--key", str(reviewer)),
        *("--done", "Reviewed"),
    )
    assert done.exit_code == 0, done.output
    assert done.output.startswith("approved (GO) by Ada L. at 20")
    public = signing.public_key(reviewer.with_suffix(".pub"))
    found = verify(go, [public])
    assert found.exit == 0, found.problems
    (line,) = [line for line in found.proven if line.startswith("approved (GO) by Ada L. at 20")]
    assert line.endswith(f": looked at; done: Reviewed, signed by {signing.key_id(public)}")
    assert not any(line.startswith("open, for a person") for line in found.remarks)
    ((off, opened),) = told(go, [public])
    assert (off.decision, off.by, off.done, opened.proven) == ("approve", "Ada L.", ["Reviewed"], True)


def test_without_its_key_a_sign_off_proves_nothing(runs: Runs, go: Path, reviewer: Path) -> None:
    approve(go, reviewer, "Reviewed")
    found = verify(go)
    assert found.exit == 0
    assert "open, for a person to do: Reviewed" in found.remarks
    assert any(line.endswith("which is not proven: give its public key with --key") for line in found.remarks)
    other = verify(go, runs.keys)
    assert other.exit == 1, "no key that was given has signed anything here"
    assert any(line.endswith("which is none of the keys given: give it with --key") for line in other.unknown)


def test_a_sign_off_does_not_change_what_is_sealed(go: Path, reviewer: Path) -> None:
    before = manifest.content(go / manifest.NAME)
    approve(go, reviewer)
    approve(go, reviewer)
    assert manifest.content(go / manifest.NAME) == before
    assert len(told(go)) == 2
    assert verify(go).exit == 0


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (Given(True, "ada", "x", ["Review"]), "--done Review: the run has no such item for a person to do; did you me"),
        (Given(True, "ada", "x", ["Nothing twice"]), "--done Nothing twice: the run has no such item"),
        (Given(True, " ", "x"), "--by and --note need a few words each"),
        (Given(True, "ada", ""), "--by and --note need a few words each"),
    ],
)
def test_what_cannot_be_meant_is_refused(go: Path, reviewer: Path, given: Given, sentence: str) -> None:
    with pytest.raises(SignOffError) as error:
        sign_off(go, given, signing.private_key(reviewer))
    assert str(error.value).startswith(sentence)
    assert not (go / "signoff").exists()


def test_a_run_that_is_not_intact_is_not_signed_off(go: Path, reviewer: Path) -> None:
    flipped(go / "summary.md")
    for is_approved in (True, False):
        with pytest.raises(SignOffError, match=r"is not intact: summary\.md: was changed: its digest is another"):
            sign_off(go, Given(is_approved, "ada", "x"), signing.private_key(reviewer))


def test_no_go_can_be_rejected_and_not_approved(unsigned: Path, reviewer: Path) -> None:
    with pytest.raises(SignOffError, match=r"ended NO-GO, and only a GO can be approved: waive what may stay"):
        approve(unsigned, reviewer)
    sign_off(unsigned, Given(False, "ada", "six rows are lost"), signing.private_key(reviewer))
    assert [off.decision for off, _ in told(unsigned)] == ["reject"]


def test_a_sign_off_that_is_not_of_this_run_is_refused(runs: Runs, go: Path, reviewer: Path, tmp_path: Path) -> None:
    other = runs.copy(tmp_path, "accepted")[0]
    shutil.copytree(approve(other, reviewer).parent, go / "signoff")
    found = verify(go)
    assert found.exit == 1
    (line,) = found.problems
    assert line.endswith(": is of another run, or of this one before it was changed")
    assert not told(go)


def test_a_sign_off_that_was_changed_is_refused(go: Path, reviewer: Path) -> None:
    path = approve(go, reviewer)
    keys = [signing.public_key(reviewer.with_suffix(".pub"))]
    edit(path, lambda record: record.update(payload=record["payload"].swapcase()))
    assert any(": has a signature in the name of SHA256:" in line for line in verify(go, keys).problems)
    path.write_text("{}")
    assert f"signoff/{path.name}: is no DSSE envelope" in verify(go).problems
    path.unlink()
    path.mkdir()
    assert f"signoff/{path.name}: is not a regular file" in verify(go).problems


def test_a_signed_record_of_another_kind_is_no_sign_off(runs: Runs, signed: Path) -> None:
    (signed / "signoff").mkdir()
    shutil.copyfile(signed / manifest.STATEMENT, signed / "signoff" / "x.json")
    (line,) = verify(signed, runs.keys).problems
    assert (
        line
        == f"signoff/x.json: holds a record of the kind 'application/vnd.in-toto+json', and not '{signing_off.KIND}'"
    )
    text = signing.signed(signing_off.KIND, {"run": "x"}, signing.private_key(runs.private))
    (signed / "signoff" / "x.json").write_text(text)
    assert verify(signed, runs.keys).problems == ["signoff/x.json: is no sign-off"]


def test_the_command_needs_one_word_or_the_other(go: Path, reviewer: Path) -> None:
    done = command("sign-off", str(go), "--note", "x", "--by", "ada", "--key", str(reviewer))
    assert (done.exit_code, "say --approve or --reject" in done.output) == (3, True)
