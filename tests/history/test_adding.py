"""`dsaudit add`: runs from elsewhere, and what is refused of them."""

from __future__ import annotations

import json
import os
import shutil
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from dsaudit.evidence import chain
from dsaudit.history import adding
from tests.history import made


def add(tmp_path: Path, given: Path) -> Result:
    return made.command("add", given, made.parameters(tmp_path), "--out", tmp_path / "here")


def here(tmp_path: Path) -> set[str]:
    folder = tmp_path / "here" / made.INTEGRATION
    return {path.name for path in folder.iterdir() if path.name != chain.LOCK} if folder.exists() else set()


def zipped(folder: Path, target: Path) -> Path:
    """Zip a folder as an upload of artefacts does."""
    return Path(shutil.make_archive(str(target.with_suffix("")), "zip", folder))


@pytest.mark.parametrize("pack", [lambda folder, target: folder, zipped], ids=["folder", "zip"])
def test_the_runs_of_an_artefact_are_taken_in(tmp_path: Path, pack: Callable[[Path, Path], Path]) -> None:
    runs = [made.run(tmp_path / "ci", day) for day in (3, 2)]
    done = add(tmp_path, pack(tmp_path / "ci", tmp_path / "artefact.zip"))
    assert done.exit_code == 0, done.output
    assert done.output.splitlines() == [f"{run.name}: added" for run in runs]
    assert here(tmp_path) == {run.name for run in runs}
    taken = tmp_path / "here" / made.INTEGRATION / runs[0].name
    assert (taken / "result.json").read_bytes() == (runs[0] / "result.json").read_bytes()
    assert not (taken / "private").exists()
    listed = made.command("history", made.parameters(tmp_path), "--out", tmp_path / "here")
    assert listed.exit_code == 0 and all(run.name in listed.output for run in runs)


def test_one_run_is_taken_in_once(tmp_path: Path) -> None:
    run = made.run(tmp_path / "ci", 3)
    assert add(tmp_path, run).output == f"{run.name}: added\n"
    assert add(tmp_path, zipped(run, tmp_path / "one.zip")).output == f"{run.name}: is here already\n"
    assert here(tmp_path) == {run.name}


def test_a_pruned_run_is_taken_in_too(tmp_path: Path) -> None:
    run = made.run(tmp_path / "ci", 3)
    for path in run.iterdir():
        if path.name != "manifest.json":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    (run / "pruned.json").write_text("{}")
    assert add(tmp_path, run).output == f"{run.name}: added\n"


def test_what_it_does_to_the_chain_is_told(tmp_path: Path) -> None:
    made.run(tmp_path / "ci", 3)
    second = made.run(tmp_path / "ci", 2)
    done = add(tmp_path, second)
    assert done.exit_code == 0 and "is gone" in done.output  # what it followed was not brought along


def refused(tmp_path: Path, given: Path, words: str) -> None:
    before = here(tmp_path)
    done = add(tmp_path, given)
    assert done.exit_code == 3 and words in done.output and len(done.output.splitlines()) == 1, done.output
    assert here(tmp_path) == before
    assert not any(path.name.startswith("adding-") for path in tmp_path.rglob("*"))


def test_another_system_another_run_of_that_name_and_none_are_refused(tmp_path: Path) -> None:
    other = made.record(made.name(3))
    other["run"]["integration"] = "other"
    refused(tmp_path, made.write(tmp_path / "a", other), "is a run of other, and acme.yml is acme-shopify")
    same = made.run(tmp_path / "here", 4)
    another = made.write(tmp_path / "b", made.record(same.name, limits=["x"]))
    refused(tmp_path, another, f"another run of this name is here already, in {same}")
    (tmp_path / "empty").mkdir()
    refused(tmp_path, tmp_path / "empty", "there is no run in it")
    (tmp_path / "text").write_text("no zip")
    refused(tmp_path, tmp_path / "text", "is neither a folder nor a zip of one")


def test_an_edited_run_is_refused(tmp_path: Path) -> None:
    run = made.run(tmp_path / "ci", 3)
    (run / "summary.md").write_text("## GO")
    refused(tmp_path, run, f"{run.name} was edited: summary.md is not what its manifest lists")
    (run / "manifest.json").write_text("{")
    refused(tmp_path, run, "manifest cannot be read")


def test_a_run_that_calls_itself_a_path_is_refused(tmp_path: Path) -> None:
    for name in ("../../evil", "x", ""):
        result = made.record(made.name(3))
        folder = tmp_path / "ci"
        folder.mkdir(exist_ok=True)
        result["run"]["id"] = name
        (folder / "result.json").write_text(json.dumps(result))
        refused(tmp_path, folder, "is not how a run is called")


def test_a_link_is_refused(tmp_path: Path) -> None:
    run = made.run(tmp_path / "ci", 3)
    (run / "report.html").symlink_to("/etc/passwd")
    refused(tmp_path, run, "is no regular file")
    (run / "report.html").unlink()
    os.mkfifo(run / "pipe")
    refused(tmp_path, run, "is no regular file")


def packed(tmp_path: Path, name: str, content: bytes = b"x", mode: int = 0, more: str = "") -> Path:
    """A zip of a good run with one entry more, or two."""
    run = made.run(tmp_path / "ci", 3)
    path = zipped(tmp_path / "ci", tmp_path / "artefact.zip")
    shutil.rmtree(run)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        for one in filter(None, (name, more)):
            entry = zipfile.ZipInfo(one)
            entry.external_attr = mode << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return path


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("name", "mode", "more", "words"),
    [
        ("../evil", 0, "", "leaves its folder"),
        ("a/../../evil", 0, "", "leaves its folder"),
        ("/etc/evil", 0, "", "leaves its folder"),
        ("a\\..\\evil", 0, "", "leaves its folder"),
        ("C:/evil", 0, "", "leaves its folder"),
        ("a\x1b[2J", 0, "", "leaves its folder"),
        ("link", stat.S_IFLNK | 0o777, "", "is no regular file"),
        ("device", stat.S_IFCHR | 0o666, "", "is no regular file"),
        ("twice", 0, "twice", "holds twice twice"),
    ],
)
def test_a_zip_that_reaches_out_is_refused(tmp_path: Path, name: str, mode: int, more: str, words: str) -> None:
    refused(tmp_path, packed(tmp_path, name, mode=mode, more=more), words)


def test_a_bomb_is_refused_by_what_it_says_and_by_what_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adding, "MOST_BYTES", 2_000_000)
    path = packed(tmp_path, f"{made.INTEGRATION}/bomb", b"\0" * 3_000_000)
    refused(tmp_path, path, "unpacked it has more than 2 MB")
    folder = tmp_path / "unpacked"
    shutil.unpack_archive(path, folder)
    run = next(folder.rglob("result.json")).parent
    (run / "bomb").write_bytes(b"\0" * 3_000_000)
    refused(tmp_path, folder, "unpacked there is more than 2 MB")
    monkeypatch.setattr(adding, "MOST_FILES", 3)
    refused(tmp_path, folder, "more than 3 files")


def test_a_broken_zip_is_refused(tmp_path: Path) -> None:
    run = made.run(tmp_path / "ci", 3)
    path = zipped(tmp_path / "ci", tmp_path / "artefact.zip")
    content = bytearray(path.read_bytes())
    start = content.index(b"summary.md") + 200
    content[start : start + 40] = b"\xff" * 40
    path.write_bytes(content)
    shutil.rmtree(run)
    done = add(tmp_path, path)
    assert done.exit_code == 3 and "Traceback" not in done.output and here(tmp_path) == set()
