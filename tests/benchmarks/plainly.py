"""Executes the cells of a blueprint's notebooks as plain Python, each notebook in a process of its own.

What a cell would show is made, as a notebook would: the value of its last line as HTML, and its plots as PNG.
"""

from __future__ import annotations

import ast
import io
import multiprocessing
import os
import sys
from pathlib import Path
from typing import Any

import nbformat

from dsaudit.checks import notebooks
from dsaudit.parameters import project_root


def execute(notebook: Path) -> None:
    """Execute the code cells of one notebook, one after the other."""
    import matplotlib as mpl

    mpl.use("agg")
    space: dict[str, Any] = {"__name__": "__main__"}
    for cell in nbformat.read(notebook, as_version=4).cells:
        if cell.cell_type == "code":
            _execute(cell.source, space)


def _execute(source: str, space: dict[str, Any]) -> None:
    from matplotlib import pyplot

    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), space)
    if isinstance(last, ast.Expr):
        value = eval(compile(ast.Expression(last.value), "cell", "eval"), space)
        if show := getattr(value, "_repr_mimebundle_", None) or getattr(value, "_repr_html_", None):
            show()
    for number in pyplot.get_fignums():
        pyplot.figure(number).savefig(io.BytesIO(), format="png")
    pyplot.close("all")


def main(blueprint: str) -> None:
    """Execute all notebooks, as many at once as there are cores."""
    with multiprocessing.get_context("spawn").Pool(os.cpu_count(), maxtasksperchild=1) as pool:
        pool.map(execute, notebooks(project_root() / "notebooks" / blueprint), chunksize=1)


if __name__ == "__main__":
    main(sys.argv[1])
