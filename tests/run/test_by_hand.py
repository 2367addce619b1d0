"""Without the runner: a notebook opened by hand, and plain papermill, come to the same verdicts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dsaudit.parameters import project_root
from dsaudit.verdict import MIME
from tests import ledger
from tests.checks import auditing
from tests.run.conftest import Project
from tests.test_readme import blocks

DAMAGE = "update ledger.invoice_line set void = true where org = 'N'"
PARENTS = "audit.check('parents_have_their_children')"


def papermill(notebook: Path, out: Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    variables = {name: value for name, value in os.environ.items() if name not in ("JPY_SESSION_NAME", "VSCODE_PID")}
    return subprocess.run(
        [sys.executable, "-m", "papermill", "--no-progress-bar", str(notebook), str(out)],
        cwd=cwd,
        env={**variables, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def shown(notebook: Path) -> dict[str, str]:
    """Return the status of each verdict that an executed notebook shows."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    outputs = [output.get("data", {}) for cell in cells for output in cell.get("outputs", [])]
    records = [data[MIME] for data in outputs if MIME in data]
    return {record["check"]: record["status"] for record in records}


def test_plain_papermill_succeeds_when_the_phase_is_green(project: Project, tmp_path: Path) -> None:
    notebook = project.root / "notebooks" / "datasource" / "04_once.ipynb"
    done = papermill(notebook, tmp_path / "out.ipynb", project.root)
    assert done.returncode == 0, done.stderr
    assert set(shown(tmp_path / "out.ipynb").values()) == {"pass"}


def test_plain_papermill_fails_when_the_phase_is_not_green(project: Project, tmp_path: Path) -> None:
    project.ledger.execute(DAMAGE)
    project.notebook("04_once", [PARENTS, "audit.check('one_refined_row_per_source_id')"])
    notebook = project.root / "notebooks" / "datasource" / "04_once.ipynb"
    done = papermill(notebook, tmp_path / "out.ipynb", project.root)
    assert done.returncode != 0
    assert "AuditNotPassed: 04_once is not green: parents_have_their_children: fail" in done.stderr
    # The check that came after the failing one ran too: a phase always runs to its end.
    assert shown(tmp_path / "out.ipynb")["one_refined_row_per_source_id"] == "pass"


def test_in_jupyterlab_a_failing_phase_does_not_raise(project: Project, tmp_path: Path) -> None:
    project.ledger.execute(DAMAGE)
    project.notebook("04_once", [PARENTS])
    notebook = project.root / "notebooks" / "datasource" / "04_once.ipynb"
    done = papermill(notebook, tmp_path / "out.ipynb", project.root, JPY_SESSION_NAME="04_once.ipynb")
    assert done.returncode == 0, done.stderr
    assert shown(tmp_path / "out.ipynb") == {"parents_have_their_children": "fail"}


def test_reading_the_source_by_hand_gives_a_snapshot_after_it(project: Project, tmp_path: Path) -> None:
    project.notebook("04_once", ["before = audit.database.snapshot", "audit.check('source_missing_in_refined')",
                                 "assert audit.database.snapshot != before"])  # fmt: skip
    notebook = project.root / "notebooks" / "datasource" / "04_once.ipynb"
    done = papermill(notebook, tmp_path / "out.ipynb", project.root)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def own_sample(tmp_path: Path) -> dict[str, str]:
    """Variables under which a sample started by a notebook is this test's alone; it is ended afterwards."""
    runtime = tmp_path / "runtime"
    runtime.mkdir(mode=0o700)
    return {"XDG_RUNTIME_DIR": str(runtime)}


def test_a_notebook_of_the_workbook_runs_with_nothing_set(own_sample: dict[str, str], tmp_path: Path) -> None:
    # As JupyterLab opens it: in the notebook's own folder, no parameter given, no sample up.
    notebook = project_root() / "notebooks" / "datasource" / "04_deduplication.ipynb"
    try:
        done = papermill(notebook, tmp_path / "out.ipynb", notebook.parent, **own_sample)
        assert done.returncode == 0, done.stderr
        assert set(shown(tmp_path / "out.ipynb").values()) == {"pass"}
    finally:
        subprocess.run(
            [sys.executable, "-m", "examples.storefront", "down"],
            cwd=project_root(),
            env={**os.environ, **own_sample},
            check=True,
        )


def test_the_script_of_the_readme_runs(project: Project) -> None:
    (text,) = blocks("README.md", "python")
    script = text.replace("parameters/acme.yml", str(project.ledger.parameters)).replace("order", "invoice")
    assert script.count("invoice") == 1
    done = subprocess.run([sys.executable, "-c", script], cwd=project.root, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "Empty DataFrame" in done.stdout, done.stderr


def test_by_hand_a_snapshot_that_was_let_go_is_taken_anew(new_ledger: Callable[..., ledger.Ledger]) -> None:
    one = new_ledger()
    one.edit("parameters/ledger.yml", "{url_env: LEDGER_URL}", "{url_env: LEDGER_URL, snapshot_age: 10}")
    with auditing.opened(one.parameters, one.environment) as audit:
        before = audit.instant
        assert audit.check("orphans").status == "pass"
        assert audit.instant == before
        audit._stale = time.monotonic()  # the time has come
        assert audit.check("orphans").status == "pass"
        assert audit.instant > before
