"""Runs that end at once take their places one after the other, and one that is killed takes none."""

from __future__ import annotations

import importlib
import json
import shutil
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dsaudit.evidence import chain, manifest, sealing
from dsaudit.parameters import Parameters
from dsaudit.parameters.baseline import Baseline
from dsaudit.run import publishing
from tests.evidence.conftest import Runs

provenance = importlib.import_module("dsaudit.evidence.provenance")  # whose name in the package is a function's

Publish = Callable[[str], Path]


@pytest.fixture
def published(runs: Runs, tmp_path: Path) -> Publish:
    """Publish the first run once more, under another name."""
    first = runs.copy(tmp_path, "first")[0]
    told = (first / "result.json").read_text(encoding="utf-8")
    parameters = Parameters.model_validate({**json.loads(told)["parameters"]["values"], "path": Path("ledger.yml")})

    def publish(run: str) -> Path:
        result = json.loads(told)
        result["run"]["id"] = run
        folder = tmp_path / "reports" / "unfinished" / run
        shutil.copytree(first / "phases", folder / "phases")
        return publishing.publish(folder, result, parameters, Baseline(integration="ledger", key=""), None)

    return publish


def test_runs_that_end_at_once_make_one_chain(published: Publish, tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        folders = [*pool.map(published, "abcdefgh")]
    found = chain.links(tmp_path / "reports")
    assert [link.manifest.number for link in found] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert {link.folder for link in found} == {*folders}
    assert not chain.faults(tmp_path / "reports")


def test_a_run_that_is_killed_when_it_was_sealed_takes_no_place(
    published: Publish, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published("a")
    with monkeypatch.context() as killed:
        killed.setattr(Path, "rename", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            published("b")
    assert (tmp_path / "reports" / "unfinished" / "b" / manifest.NAME).is_file()
    published("c")
    assert [link.run for link in chain.links(tmp_path / "reports")] == ["a", "c"]
    assert not chain.faults(tmp_path / "reports")


def test_what_a_killed_write_left_is_not_sealed(runs: Runs, tmp_path: Path) -> None:
    folder = runs.copy(tmp_path, "first")[0]
    before = manifest.read(folder).files
    (folder / "phases" / ".x.html.draft").write_text("half")
    (folder / "private").mkdir()
    (folder / "private" / "rows").write_text("x")
    sealing.seal(folder, tmp_path, json.loads((folder / "result.json").read_text()), None)
    assert manifest.read(folder).files == before
    assert not (folder / "phases" / ".x.html.draft").exists()


def test_the_renderer_is_the_code_that_judges_and_renders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = made_up(tmp_path / "dsaudit", ("report/page.css", "sql/x.sql", "wording.py"), monkeypatch)
    seen = [digest()]
    (package / "sql/x.sql").write_text("another query")
    (package / "report/page.pyc").write_text("compiled")
    assert digest() == seen[0]
    for name in ("report/page.css", "wording.py"):
        (package / name).write_text("changed")
        assert digest() not in seen
        seen.append(digest())


def test_the_finder_is_the_code_that_can_change_what_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = made_up(tmp_path / "dsaudit", ("report/page.css", "sql/x.sql", "facts/x.py"), monkeypatch)
    provenance.finder.cache_clear()
    seen = [provenance.finder()]
    for name, changes in (("report/page.css", False), ("sql/x.sql", True), ("facts/x.py", True)):
        (package / name).write_text("changed")
        provenance.finder.cache_clear()
        assert (provenance.finder() not in seen) is changes
        seen.append(provenance.finder())
    provenance.finder.cache_clear()


def made_up(package: Path, names: Iterable[str], monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a package of these files, and have it taken for ours."""
    for name in ("evidence/provenance.py", *names):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(name)
    monkeypatch.setattr(provenance, "__file__", str(package / "evidence" / "provenance.py"))
    return package


def digest() -> str:
    """Return the digest of the code, read anew."""
    provenance.renderer.cache_clear()
    code: str = provenance.renderer()["code"]
    provenance.renderer.cache_clear()
    return code
