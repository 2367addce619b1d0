"""A project of its own in a temporary folder: the ledger, and a blueprint of small notebooks that a test writes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dsaudit import source
from dsaudit.parameters import load
from dsaudit.run import Options, Outcome, run
from tests import ledger

OPEN = "import dsaudit\naudit = dsaudit.open(system, 'datasource/NAME')\naudit"
Cells = list[str]


@dataclass
class Project:
    """Where a run takes place."""

    ledger: ledger.Ledger
    root: Path

    def notebook(self, name: str, cells: Cells) -> None:
        """Write a notebook that opens the audit, runs `cells` and closes."""
        parameters = 'system = "parameters/ledger.yml"  # the parameter file'
        self.raw_notebook(name, [parameters, OPEN.replace("NAME", name), *cells, "audit.close()"])

    def raw_notebook(self, name: str, cells: Cells) -> None:
        """Write a notebook of exactly these code cells, the first of them tagged `parameters`."""
        written = [
            {
                "cell_type": "code",
                "id": f"cell-{number}",
                "execution_count": None,
                "outputs": [],
                "metadata": {} if number else {"tags": ["parameters"]},
                "source": cell,
            }
            for number, cell in enumerate(cells)
        ]
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        whole = {"cells": written, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
        (self.root / "notebooks" / "datasource" / f"{name}.ipynb").write_text(json.dumps(whole), encoding="utf-8")

    def run(self, **options: Any) -> Outcome:
        """Run the blueprint as `dsaudit run` does."""
        return run(load(self.ledger.parameters), Options(**options), source.record, lambda line: None)


@pytest.fixture
def project(new_ledger: Callable[..., ledger.Ledger], monkeypatch: pytest.MonkeyPatch) -> Project:
    """The ledger with one notebook of two checks, both green."""
    one = new_ledger()
    for name, value in one.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(one.folder)
    return project_of(one)


def project_of(one: ledger.Ledger) -> Project:
    """Make the project of a ledger: one notebook of two checks, both green."""
    blueprint = one.folder / "notebooks" / "datasource"
    blueprint.mkdir()
    (blueprint / "blueprint.yml").write_text(
        "criteria:\n"
        "  - {id: once, metric: Once, target: 0 rows, actual: rows, checks: [one_refined_row_per_source_id]}\n"
        "checklist:\n  - {text: Nothing twice, checks: [one_refined_row_per_source_id]}\n"
        "  - {text: Reviewed, manual: reviewer}\n",
        encoding="utf-8",
    )
    made = Project(one, one.folder)
    made.notebook("04_once", ["audit.check('one_refined_row_per_source_id')", "audit.check('orphans')"])
    return made
