"""Executes and exports a blueprint's notebooks in this process, one after the other, as papermill's users do."""

from __future__ import annotations

import sys
from pathlib import Path

import papermill
from nbconvert import HTMLExporter

from dsaudit.checks import notebooks
from dsaudit.parameters import project_root


def main(blueprint: str, out: Path) -> None:
    """Write each executed notebook and its page to a folder."""
    for notebook in notebooks(project_root() / "notebooks" / blueprint):
        executed = out / notebook.name
        papermill.execute_notebook(str(notebook), str(executed), progress_bar=False)
        page, _ = HTMLExporter().from_filename(str(executed))
        executed.with_suffix(".html").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
