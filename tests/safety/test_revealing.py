"""What unmasks values works before a person's eyes, and leaves nothing in a notebook that becomes evidence."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import start_new_kernel

from tests.run.conftest import Project, project

__all__ = ["project"]

NAME = "Zoë Ångström"
REVEALING = ["audit.reveal()", "audit.differences()", "audit.check('field_differences')"]
DAMAGE = """update ledger."Member" set "Full Name" = 'Ada Lovelace' where code = 'n-00'"""


@pytest.fixture
def revealing(project: Project) -> Project:
    """A project with a difference in a text, and a notebook that unmasks it."""
    project.ledger.execute(DAMAGE)
    project.notebook("05_more", REVEALING)
    return project


def texts(folder: Path) -> str:
    files = [path for path in folder.rglob("*") if path.is_file() and "private" not in path.parts]
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


def test_a_run_of_it_is_no_evidence(revealing: Project) -> None:
    outcome = revealing.run()
    assert outcome.result["decision"] == "INCONCLUSIVE"
    assert "05_more did not reach its end: PermissionError in a cell" in outcome.result["problems"]
    assert NAME not in texts(outcome.folder) and "Ada Lovelace" not in texts(outcome.folder)


@pytest.mark.parametrize("tool", ["papermill", "nbconvert"])
def test_what_executes_notebooks_on_its_own_is_refused(revealing: Project, tool: str, tmp_path: Path) -> None:
    notebook = revealing.root / "notebooks" / "datasource" / "05_more.ipynb"
    arguments = {
        "papermill": ["papermill", "--no-progress-bar", str(notebook), str(tmp_path / "out.ipynb")],
        "nbconvert": ["nbconvert", "--execute", "--allow-errors", "--to", "notebook", str(notebook), "--output-dir",
                      str(tmp_path), "--output", "out.ipynb"],
    }[tool]  # fmt: skip
    # As from a cell or a terminal of JupyterLab, whose name the environment holds.
    environment = {**os.environ, "JPY_SESSION_NAME": "05_more.ipynb"}
    done = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=revealing.root, env=environment, capture_output=True, check=False
    )
    written = (tmp_path / "out.ipynb").read_text(encoding="utf-8")
    assert "before a person's eyes only" in written, done.stderr
    assert NAME not in written and "Ada Lovelace" not in written


@pytest.mark.parametrize("person", [True, False])
def test_a_front_end_may_show_them(revealing: Project, person: bool) -> None:
    """A kernel as JupyterLab speaks to it: a cell may ask whoever sits there."""
    manager, client = start_new_kernel(cwd=str(revealing.root))
    shown: list[dict[str, Any]] = []
    try:
        opened = ["import dsaudit", "audit = dsaudit.open('parameters/ledger.yml', 'by hand')"]
        for cell in [*opened, "audit.reveal()", "print(audit.differences().to_csv())", "audit.close()"]:
            client.execute_interactive(cell, allow_stdin=person, output_hook=shown.append, timeout=60)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    told = json.dumps([message["content"] for message in shown], ensure_ascii=False)
    assert (NAME in told) is person and ("before a person's eyes only" in told) is not person


def test_a_script_that_nobody_watches_is_refused(revealing: Project) -> None:
    script = "import dsaudit\naudit = dsaudit.open('parameters/ledger.yml', 'by hand')\naudit.reveal()"
    environment = {name: value for name, value in os.environ.items() if name not in ("JPY_SESSION_NAME", "VSCODE_PID")}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=revealing.root, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0 and "before a person's eyes only" in done.stderr
