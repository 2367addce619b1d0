"""What `make audit` installs is enough: with that alone, and none of the tests' own tools, the sample's audit is GO."""

from __future__ import annotations

import re
import subprocess
import sys
import venv
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.test_commands import result_in

ROOT = Path(__file__).parent.parent


def needed(name: str, extras: frozenset[str], seen: set[tuple[str, frozenset[str]]]) -> Iterator[Distribution]:
    """Yield a distribution and all that it needs on this machine, under the extras asked for."""
    if (canonicalize_name(name), extras) in seen:
        return
    seen.add((canonicalize_name(name), extras))
    found = distribution(name)
    yield found
    for requirement in map(Requirement, found.requires or []):
        if requirement.marker is None or any(requirement.marker.evaluate({"extra": one}) for one in {"", *extras}):
            yield from needed(requirement.name, frozenset(requirement.extras), seen)


@pytest.mark.slow
def test_the_audit_of_the_sample_is_go_with_what_make_audit_installs(tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", symlinks=True)
    (site,) = (tmp_path / "venv" / "lib").glob("python*/site-packages")
    (site / "ours.pth").write_text(str(ROOT), encoding="utf-8")
    (tmp_path / "venv" / "share").symlink_to(Path(sys.prefix) / "share")  # the templates of nbconvert
    for one in needed("dsaudit", frozenset({"examples"}), set()):
        for file in one.files or []:
            top = file.parts[0]
            if top not in ("..", "__pycache__") and not top.startswith("__editable__") and not (site / top).exists():
                (site / top).symlink_to(str(one.locate_file(top)))
    python = tmp_path / "venv" / "bin" / "python"
    absent = [python, "-c", "import playwright"]
    assert subprocess.run(absent, cwd=tmp_path, capture_output=True, check=False).returncode == 1
    run = "from dsaudit.cli import main; main()"
    command = [python, "-c", run, "run", "parameters/sample.yml", "--out", tmp_path / "reports"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("GO")
    result = result_in(tmp_path / "reports")
    assert result["decision"] == "GO" and result["problems"] == []
    statuses = {verdict["check"]: verdict["status"] for verdict in result["verdicts"]}  # type: ignore[attr-defined]
    names = ("live_changes_arrive", "redelivered_changes_nothing", "syncs_started_now_complete")
    acting = {statuses.pop(name) for name in names}
    assert acting == {"skipped"}, "they act, and were not asked to"
    assert set(statuses.values()) == {"pass"}
    assert len(result["phases"]) == 8  # type: ignore[arg-type]
    page = Path(next(line.removeprefix("report: ") for line in done.stdout.splitlines() if line.startswith("report: ")))
    assert page.name == "report.html" and page.stat().st_size < 3_000_000, "one file that can be mailed"
    text = page.read_text(encoding="utf-8")
    cards = re.findall(r'<section class="ds-card ds-\w+" id="(\w+)">', text)
    assert sorted(cards) == sorted([*statuses, *names])
    executed = [path.read_text(encoding="utf-8") for path in page.parent.glob("phases/*.ipynb")]
    assert text.count("<img ") == sum(notebook.count('"image/png": "') for notebook in executed) > 10
    shown = [line for line in done.stderr.splitlines() if line.strip()]
    assert shown == [], "progress is for a terminal; in a log the audit is quiet"


def test_a_folder_of_the_same_name_hides_nothing(tmp_path: Path) -> None:
    """A kernel starts where the run was started, which may be the folder that the clone lies in."""
    (tmp_path / "dsaudit").mkdir()
    done = subprocess.run([sys.executable, "-c", "import dsaudit.cli"], cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
