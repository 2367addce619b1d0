"""What made a run: the code, its versions, and the digest of what was decided."""

from __future__ import annotations

import hashlib
import json
import platform
import subprocess
from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from dsaudit.parameters import project_root

PACKAGES = ("dsaudit", "jupyterlab", "papermill", "nbconvert", "pandas", "sqlalchemy", "psycopg", "matplotlib")
RENDERING = ("jinja2", "junitparser", "mistune", "nbconvert", "nbformat", "nh3", "prometheus_client", "pydantic")
# What makes decision, pages and exports of executed notebooks.
JUDGING = ("evidence", "exports", "parameters", "report", "run", "verdict", "wording.py")
# What finds nothing: it shows, keeps or draws up what was found. All else of the package can change what is found.
SHOWING = ("canvas.py", "cli", "drafting", "evidence", "exports", "history", "plots", "report")
OURS = ("dsaudit", "notebooks", "parameters")  # of a run's code; a log or a key that lies beside it changes nothing


def provenance() -> dict[str, Any]:
    """Return which code made a run: commit, whether the tree was dirty, and the versions in use."""
    versions = {name: version(name) for name in PACKAGES}
    versions["python"] = platform.python_version()
    commit = _git("rev-parse", "HEAD")
    return {
        "commit": commit,
        "dirty": bool(_git("status", "--porcelain", "--", *OURS)) if commit else None,
        "versions": versions,
    }


@cache
def renderer() -> dict[str, str]:
    """Return what judges and renders a run: the digest of its code, and the versions of what it renders with."""
    return {"code": _code(lambda part: part in JUDGING), **{name: version(name) for name in RENDERING}}


@cache
def finder() -> str:
    """Return the digest of the code that finds: of the checks, and of all that they and their run are made of."""
    return _code(lambda part: part not in SHOWING)


def _code(belongs: Callable[[str], bool]) -> str:
    """Return the digest of the parts of the package that belong to something."""
    package = Path(__file__).parents[1]
    files = (file for file in package.rglob("*") if belongs(file.relative_to(package).parts[0]) and file.is_file())
    code = hashlib.sha256()
    for file in sorted(file for file in files if file.suffix != ".pyc" and not file.name.startswith(".")):
        code.update(f"{file.relative_to(package).as_posix()}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    return code.hexdigest()


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=project_root(), capture_output=True, text=True, timeout=10, check=False
        )
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def digest(result: dict[str, Any]) -> str:
    """Return the digest of what was decided and found: the same instant and code give the same digest."""
    volatile = {"run", "nonce", "started", "seconds"}
    verdicts = [{k: v for k, v in verdict.items() if k not in volatile} for verdict in result["verdicts"]]
    core = {"decision": result["decision"], "plan": result["plan"], "verdicts": verdicts}
    return hashlib.sha256(json.dumps(core, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
