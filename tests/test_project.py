"""The project's own order: dependencies, directions of import, sizes, names that must not occur."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
NOT_OURS = {".git", ".hypothesis", ".ipynb_checkpoints", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".venv"}
NOT_OURS |= {"__pycache__", "build", "reports", "dsaudit.egg-info"}


def our_files(folder: Path = ROOT) -> Iterator[Path]:
    """Yield the files that are ours to write."""
    for path in sorted(folder.iterdir()):
        if path.name not in NOT_OURS:
            yield from our_files(path) if path.is_dir() else [path]


# Dependencies


def specified(lines: list[str]) -> dict[str, set[str]]:
    """Name and ranges of each requirement."""
    requirements = [Requirement(line) for line in lines]
    return {each.name: {str(part) for part in each.specifier} for each in requirements}


def test_environment_follows_pyproject() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    from_pip = next(line["pip"] for line in lines if isinstance(line, dict))
    from_conda = specified([line for line in lines if isinstance(line, str)])
    assert from_conda.pop("python") == specified([f"python{project['requires-python']}"])["python"]
    assert from_conda.pop("pip") == set()
    assert from_pip.pop() == "-e .[examples]"
    assert from_conda | specified(from_pip) == specified(project["dependencies"])
    assert {"jupyterlab", "papermill", "pandas", "sqlalchemy", "psycopg", "matplotlib", "nbconvert"} <= set(from_conda)


# Directions of import

NOTEBOOK_HALF = {
    "audit",
    "background",
    "canvas",
    "codebase",
    "documents",
    "drafting",
    "facts",
    "flows",
    "functions",
    "live",
    "migrating",
    "plots",
    "pushing",
    "reconcile",
    "scratch",
    "source",
    "timeline",
}
RUNNER_HALF = {"run", "report", "evidence", "exports", "history"}
FACES = {"__init__", "cli"}  # they show both halves, and import them only when called; all other modules are the base


def imported(tree: ast.AST, package: list[str]) -> Iterator[str]:
    """Yield the full name of everything that is imported anywhere in the tree of a module of `package`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*above, *filter(None, [node.module])])
            yield from (f"{origin}.{alias.name}" for alias in node.names)


def for_types_only(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def wrong_imports(path: str, text: str) -> list[str]:
    """Name what a module (`path` as seen from the project's root) imports against the direction."""
    parts = Path(path).with_suffix("").parts
    part, tree = parts[1], ast.parse(text)
    if part in FACES:
        functions = (ast.FunctionDef, ast.AsyncFunctionDef)
        tree.body = [node for node in tree.body if not isinstance(node, functions) and not for_types_only(node)]
    forbidden = {"__init__", "cli"} | (
        RUNNER_HALF if part in NOTEBOOK_HALF else NOTEBOOK_HALF if part in RUNNER_HALF else NOTEBOOK_HALF | RUNNER_HALF
    )
    names = {name: name.split(".") for name in imported(tree, list(parts[:-1]))}
    inside = {name for name, words in names.items() if words[0] == "dsaudit" and {*words[1:2]} & (forbidden - {part})}
    return sorted(inside | {name for name, words in names.items() if words[0] == "examples"})


@pytest.mark.parametrize(
    "path", [str(path.relative_to(ROOT)) for path in our_files(ROOT / "dsaudit") if path.suffix == ".py"]
)
def test_imports_run_downwards(path: str) -> None:
    assert not wrong_imports(path, (ROOT / path).read_text())


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("dsaudit/checks/finding.py", "from dsaudit.audit import open"),
        ("dsaudit/database/reader.py", "from .. import report"),
        ("dsaudit/audit/audit.py", "def late():\n    from dsaudit.report.pages import page"),
        ("dsaudit/reconcile/engine.py", "from ..run import plan"),
        ("dsaudit/report/pages.py", "import dsaudit.plots"),
        ("dsaudit/sample.py", "from examples import storefront"),
        ("dsaudit/cli.py", "from dsaudit.run import run"),
        ("dsaudit/__init__.py", "from dsaudit.audit import open"),
        ("dsaudit/database/reader.py", "from dsaudit import cli"),
    ],
)
def test_a_wrong_import_is_seen(path: str, text: str) -> None:
    assert wrong_imports(path, text)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("dsaudit/audit/audit.py", "from dsaudit import checks, plots\nfrom dsaudit.reconcile.engine import compare"),
        ("dsaudit/report/pages.py", "from .cards import card\nfrom dsaudit.verdict import Verdict"),
        ("dsaudit/cli.py", "def run():\n    from dsaudit.run import run"),
        ("dsaudit/sample.py", "import report, examples_of_others"),
    ],
)
def test_a_right_import_is_let_through(path: str, text: str) -> None:
    assert not wrong_imports(path, text)


# Sizes and names


@pytest.mark.parametrize(
    "path",
    [
        str(path.relative_to(ROOT))
        for folder in ("dsaudit", "examples", "tests")
        if (ROOT / folder).is_dir()
        for path in our_files(ROOT / folder)
        if path.suffix == ".py"
    ],
)
def test_modules_stay_small(path: str) -> None:
    lines = (line.strip() for line in (ROOT / path).read_text().splitlines())
    assert sum(bool(line) and not line.startswith("#") for line in lines) < 300


REGISTRIES = r"pypi\.org|pythonhosted\.org|anaconda\.(?:org|com)|npmjs\.(?:org|com)|(?:deb|security)\.debian\.org"
HOMES = r"(?<![\w.~-])/(?:home|root|Users)/\w"
FOREIGN = re.compile(f"{REGISTRIES}|{HOMES}")


def test_no_file_names_a_registry_or_someones_home() -> None:
    texts = {path: path.read_bytes().decode(errors="replace") for path in our_files()}
    assert not {
        f"{path.relative_to(ROOT)}: {found[0]}" for path, text in texts.items() if (found := FOREIGN.search(text))
    }


@pytest.mark.parametrize("text", ["https://py" + "pi.org/simple", "open('/ho" + "me/ann/x')", "cd /ro" + "ot/x"])
def test_a_registry_or_a_home_is_seen(text: str) -> None:
    assert FOREIGN.search(text)


# Workflows


@pytest.mark.parametrize("path", sorted((ROOT / ".github" / "workflows").glob("*.yml")), ids=lambda path: path.name)
def test_workflows_have_least_rights_and_fixed_actions(path: Path) -> None:
    text = path.read_text()
    assert yaml.safe_load(text)["permissions"] == {"contents": "read"}
    actions = re.findall(r"^\s*(?:- )?uses: (.+)$", text, re.MULTILINE)
    assert actions and all(re.fullmatch(r"[\w-]+/[\w-]+(?:/[\w-]+)?@v\d+", action) for action in actions)
