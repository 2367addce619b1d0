"""Notebooks as they are kept: no outputs, no logic, a reason before each check. Each rule is tried on a bad one."""

import ast
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted(path for path in (ROOT / "notebooks").rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts)
LOGIC = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.For, ast.AsyncFor, ast.While, ast.If)
LOGIC += (ast.IfExp, ast.comprehension, ast.With, ast.AsyncWith, ast.Try)
SLUG = re.compile(r"(?!.*(?:^|-)[0-9a-f]{8,}(?:-|$))[a-z][a-z0-9]*(-[a-z0-9]+)*")
LONGEST = 12


def code_cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def check_calls(cell: Any) -> list[ast.Call]:
    """The calls of `audit.check` in a cell."""
    if cell.cell_type != "code":
        return []
    calls = (node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Call))
    return [call for call in calls if ast.unparse(call.func) == "audit.check"]


def not_stripped(notebook: Any) -> Iterator[str]:
    for cell in code_cells(notebook):
        if cell.outputs or cell.execution_count is not None:
            yield f"{cell.id}: has outputs or an execution count"


def not_one_parameters_cell(notebook: Any) -> Iterator[str]:
    tagged = [cell.id for cell in code_cells(notebook) if "parameters" in cell.metadata.get("tags", [])]
    if len(tagged) != 1:
        yield f"{len(tagged)} cells are tagged parameters"


def poor_ids(notebook: Any) -> Iterator[str]:
    for name, times in Counter(cell.id for cell in notebook.cells).items():
        if times > 1 or not SLUG.fullmatch(name):
            yield f"{name}: is not an id given by hand, or not the only one"


def unexplained_checks(notebook: Any) -> Iterator[str]:
    for before, cell in zip([None, *notebook.cells], notebook.cells, strict=False):
        if check_calls(cell) and (before is None or before.cell_type != "markdown"):
            yield f"{cell.id}: no markdown cell before the check"


def logic(notebook: Any) -> Iterator[str]:
    for cell in code_cells(notebook):
        if any(isinstance(node, LOGIC) for node in ast.walk(ast.parse(cell.source))):
            yield f"{cell.id}: has logic, which belongs in dsaudit"


def long_cells(notebook: Any) -> Iterator[str]:
    for cell in code_cells(notebook):
        if len(cell.source.splitlines()) > LONGEST:
            yield f"{cell.id}: has more than {LONGEST} lines"


def not_closed(notebook: Any) -> Iterator[str]:
    if not notebook.cells or notebook.cells[-1].source != "audit.close()":
        yield "the last cell is not audit.close()"


def unplain_checks(notebook: Any) -> Iterator[str]:
    for cell in notebook.cells:
        calls = check_calls(cell)
        if calls and not re.fullmatch(r"audit\.check\([\"'][a-z0-9_]+[\"']\)", cell.source):
            yield f'{cell.id}: is not one audit.check("name") and nothing else'


RULES: list[Callable[[Any], Iterator[str]]] = [
    not_stripped,
    not_one_parameters_cell,
    poor_ids,
    unexplained_checks,
    logic,
    long_cells,
    not_closed,
    unplain_checks,
]


def faults(notebook: Any) -> dict[str, list[str]]:
    """Return what each rule says against a notebook."""
    return {rule.__name__: said for rule in RULES if (said := list(rule(notebook)))}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_notebook_is_kept_in_order(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert not faults(notebook)


@pytest.mark.parametrize("blueprint", ["datasource", "background_sync"])
def test_a_blueprint_has_its_eight_phases(blueprint: str) -> None:
    names = [path.name[:3] for path in NOTEBOOKS if path.parent.name == blueprint]
    assert names == [f"0{number}_" for number in range(1, 9)]


def good() -> Any:
    """A small notebook that keeps every rule."""
    return new_notebook(
        cells=[
            new_markdown_cell("# Which?", id="title"),
            new_code_cell('system = "x.yml"', id="parameters", metadata={"tags": ["parameters"]}),
            new_code_cell("import dsaudit\n\naudit = dsaudit.open(system)", id="open"),
            new_markdown_cell("## A claim", id="a-claim-why"),
            new_code_cell('audit.check("a_claim")', id="a-claim"),
            new_code_cell("audit.close()", id="close"),
        ]
    )


def test_a_good_notebook_passes() -> None:
    assert not faults(good())


@pytest.mark.parametrize(
    ("rule", "cell", "changes"),
    [
        (not_stripped, 2, {"execution_count": 1}),
        (not_stripped, 4, {"outputs": [nbformat.v4.new_output("stream", text="x")]}),
        (not_one_parameters_cell, 1, {"metadata": {}}),
        (not_one_parameters_cell, 2, {"metadata": {"tags": ["parameters"]}}),
        (poor_ids, 2, {"id": "3f9c2d1a"}),
        (poor_ids, 2, {"id": "c4d1e5f0-9a3b-4c21-8d7e-0123456789ab"}),
        (poor_ids, 2, {"id": "Open_It"}),
        (poor_ids, 2, {"id": "title"}),
        (unexplained_checks, 2, {"source": 'audit.check("b")'}),
        (logic, 2, {"source": "def one():\n    return 1"}),
        (logic, 2, {"source": "for one in audit.tables:\n    one"}),
        (logic, 2, {"source": "[one for one in audit.tables]"}),
        (logic, 2, {"source": "1 if audit else 2"}),
        (logic, 2, {"source": "if audit:\n    audit"}),
        (logic, 2, {"source": "while audit:\n    audit"}),
        (logic, 2, {"source": "with audit:\n    audit"}),
        (logic, 2, {"source": "lambda: 1"}),
        (long_cells, 2, {"source": "1\n" * (LONGEST + 1)}),
        (not_closed, 5, {"source": "audit.summary()"}),
        (unplain_checks, 4, {"source": "audit.check(name)"}),
        (unplain_checks, 4, {"source": 'audit.check("a")\naudit.check("b")'}),
        (unplain_checks, 4, {"source": 'found = audit.check("a")'}),
        (unplain_checks, 4, {"source": 'audit.check("a", tenant="acme")'}),
    ],
)
def test_each_rule_sees(rule: Callable[[Any], Iterator[str]], cell: int, changes: dict[str, Any]) -> None:
    notebook = good()
    notebook.cells[cell].update(changes)
    assert rule.__name__ in faults(notebook)
