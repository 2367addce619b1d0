"""The blueprint by the usual shell loop, by one process, as plain Python and by dsaudit; wall, CPU and memory.

The rivals are what a team writes on the first day, `papermill` and `jupyter nbconvert --to html` notebook by notebook,
and on the second, one process that calls `papermill.execute_notebook` and exports. The floor is the notebooks' cells as
plain Python, each notebook in a process of its own, as many at once as there are cores: no kernel, no page. All sides
run on one sample that is up already, in turns, so that what else the machine does hits all of them.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markdown import Markdown

from dsaudit.parameters import project_root
from examples.storefront import running
from tests.benchmarks.cost import medians, write_down
from tests.benchmarks.drawing import bars

LOOP = """
set -e
for notebook in notebooks/datasource/*.ipynb; do
  papermill --no-progress-bar "$notebook" "$OUT/$(basename "$notebook")"
  jupyter nbconvert --to html "$OUT/$(basename "$notebook")"
done
"""
SIDES = {
    "papermill; nbconvert": ["bash", "-c", LOOP],
    "one process": [sys.executable, "-m", "tests.benchmarks.serially", "datasource"],
    "plain cells": [sys.executable, "-m", "tests.benchmarks.plainly", "datasource"],
    "dsaudit run": [sys.executable, "-c", "from dsaudit.cli import main; main()", "run", "parameters/sample.yml"],
}
OWN = "dsaudit run"


@dataclass(frozen=True)
class Cost:
    """Wall and CPU seconds of a command with all that it started, and MB at the most."""

    wall: float
    cpu: float
    memory: float


def cost(words: Sequence[str]) -> Cost:
    """Return what one round of a side costs, in a folder of its own; where it is, stands in the variable OUT."""
    with tempfile.TemporaryDirectory() as folder:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        own = ["--out", folder] if "run" in words else [folder] * (words[0] != "bash")
        done = subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.reaping", *words, *own],
            cwd=project_root(), env={**os.environ, "OUT": folder, "PATH": path}, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
    told = json.loads(done.stdout or "{}")
    if told.pop("status", 1):
        raise SystemExit(f"{words[0]} failed: {done.stderr.strip().splitlines()[-1]}")
    return Cost(**told)


def main(rounds: int = 3) -> None:
    """Measure in turns, print the medians and their ratios, and write them down."""
    costs: dict[str, list[Cost]] = {name: [] for name in SIDES}
    console = Console()
    with running(cloneable=False) as sample:
        os.environ.update(sample.environment)
        for number in range(rounds):
            for name, words in SIDES.items():
                costs[name].append(cost(words))
                console.print(f"round {number + 1}: {name} {costs[name][-1].wall:.1f} s", highlight=False)
    lines = [
        "| | wall s | CPU s | MB | wall, ratio | CPU, ratio |",
        "|---|---:|---:|---:|---:|---:|",
        *(_line(name, several, costs[OWN]) for name, several in costs.items()),
    ]
    console.print(Markdown("\n".join(lines)))
    walls = {name: _median(several, "wall") for name, several in costs.items()}
    lines += ["", bars("blueprint", "The eight notebooks, from the start to the last page", walls, "s")]
    said = f"{medians(rounds)} in turns; ratio to `dsaudit run`."
    write_down("The eight notebooks of the datasource blueprint", said, lines)


def _line(name: str, several: list[Cost], own: list[Cost]) -> str:
    wall, cpu, memory = (_median(several, of) for of in ("wall", "cpu", "memory"))
    ratios = wall / _median(own, "wall"), cpu / _median(own, "cpu")
    return f"| {name} | {wall:.1f} | {cpu:.1f} | {memory:.0f} | {ratios[0]:.1f} | {ratios[1]:.1f} |"


def _median(several: list[Cost], of: str) -> float:
    return statistics.median(getattr(one, of) for one in several)
