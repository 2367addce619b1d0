"""The blueprint by the usual shell loop, and by dsaudit; wall and CPU seconds, medians and ratios.

The rival is what a team writes on the first day: `papermill` and `jupyter nbconvert --to html`, notebook by notebook.
Both sides run on one sample that is up already, in turns, so that what else the machine does hits both.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from dsaudit.checks import notebooks
from dsaudit.parameters import project_root
from examples.storefront import running

BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Cost:
    """Wall and CPU seconds of a command and its children."""

    wall: float
    cpu: float


def shell_loop(out: Path) -> None:
    """Execute and export each notebook by a command of its own, one after the other."""
    for notebook in notebooks(project_root() / "notebooks" / "datasource"):
        executed = out / notebook.name
        _command(str(BIN / "papermill"), "--no-progress-bar", str(notebook), str(executed))
        _command(str(BIN / "jupyter"), "nbconvert", "--to", "html", str(executed))


def dsaudit_run(out: Path) -> None:
    """Run the blueprint as the README says, with its plan, its verdicts and its report."""
    _command(str(BIN / "dsaudit"), "run", "parameters/sample.yml", "--out", str(out))


def _command(*words: str) -> None:
    done = subprocess.run(words, cwd=project_root(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{words[0]} failed: {(done.stderr or done.stdout).strip().splitlines()[-1]}")


def cost(work: Callable[[Path], None]) -> Cost:
    """Return what one round of `work` costs, in a folder of its own."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        work(Path(folder))
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cost(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def main(rounds: int = 3) -> None:
    """Measure in turns and print the medians and their ratios."""
    sides: dict[str, Callable[[Path], None]] = {"papermill; nbconvert": shell_loop, "dsaudit run": dsaudit_run}
    costs: dict[str, list[Cost]] = {name: [] for name in sides}
    console = Console()
    with running(cloneable=False) as sample:
        os.environ.update(sample.environment)
        for number in range(rounds):
            for name, work in sides.items():
                costs[name].append(cost(work))
                console.print(f"round {number + 1}: {name} {costs[name][-1].wall:.1f} s", highlight=False)
    _print(costs, console)


def _print(costs: dict[str, list[Cost]], console: Console) -> None:
    table = Table("side", "wall s", "CPU s", "wall, ratio", "CPU, ratio", title="medians; ratio to dsaudit run")
    medians = {
        name: Cost(statistics.median(one.wall for one in measured), statistics.median(one.cpu for one in measured))
        for name, measured in costs.items()
    }
    own = medians["dsaudit run"]
    for name, one in medians.items():
        figures = (one.wall, one.cpu, one.wall / own.wall, one.cpu / own.cpu)
        table.add_row(name, *(f"{figure:.1f}" for figure in figures))
    console.print(table)
