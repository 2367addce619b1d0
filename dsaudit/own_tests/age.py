"""Whether results are of the code that there is: by the commit that they name, or else by their time."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

SECONDS = 20  # that git has for an answer
# What is no code of the project's own, and what is: without git, whatever lies about would else make results old.
NOT_CODE = {"venv", "env", "node_modules", "__pycache__", "site-packages", "build", "dist", "target"}
CODE = {
    *(".py", ".pyi", ".js", ".jsx", ".ts", ".tsx", ".mjs", ".vue", ".go", ".rs", ".java", ".kt", ".scala", ".rb"),
    *(".php", ".cs", ".c", ".cc", ".cpp", ".h", ".hpp", ".swift", ".ex", ".exs", ".sql"),
}


@dataclass(frozen=True)
class Change:
    """The newest change of the code: when, and in which file or by which commit."""

    at: datetime
    what: str


def changed(folder: Path, results: Collection[Path]) -> Change | None:
    """Return the newest change below a folder of code, the files of results aside; None where there is no code.

    With git it is the newest commit, or a file that differs from it; else the file that was written last.
    """
    committed = _git(folder, "log", "-1", "--format=%cI %h", "--", ".", *_without(folder, results))
    if committed:
        at, _, name = committed.partition(" ")
        found = [Change(datetime.fromisoformat(at).astimezone(UTC), f"commit {name}")]
        files = _uncommitted(folder, {path.resolve() for path in results})
    else:
        found, files = [], _files(folder)
    found += [Change(_written(path), str(path.relative_to(folder))) for path in files]
    return max(found, key=lambda one: one.at, default=None)


def differing(folder: Path, commit: str, results: Collection[Path]) -> list[str] | None:
    """Return the files of the code that are not as a commit has them; None where git does not know the commit."""
    if _git(folder, "cat-file", "-e", f"{commit}^{{commit}}") is None:
        return None
    told = _git(folder, "diff", "--name-only", "--relative", commit, "--", ".", *_without(folder, results))
    return None if told is None else told.splitlines()


def stamped(path: Path, at: datetime | None) -> tuple[datetime, str | None]:
    """Return when results were made, and what is not certain of that."""
    if at is None:
        return _written(path), f"{path.name} does not tell its time; it was taken to be as old as the file"
    if at.tzinfo is None:
        return at.astimezone(UTC), f"{path.name} tells its time without a zone; it was taken to be this machine's"
    return at.astimezone(UTC), None


def sources(folder: Path) -> list[str]:
    """Return the Python files below a folder that have anything in them to run, those of tests aside."""
    named = {path: path.relative_to(folder) for path in _files(folder) if path.suffix == ".py" and path.stat().st_size}
    return sorted(one.as_posix() for one in named.values() if not _is_of_tests(one))


def _is_of_tests(path: Path) -> bool:
    return path.name.startswith("test_") or path.name == "conftest.py" or bool({"test", "tests"} & {*path.parts})


def _files(folder: Path) -> Iterator[Path]:
    for inner, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in NOT_CODE and not name.startswith("."))
        paths = (Path(inner, name) for name in names)
        yield from (path for path in paths if path.suffix in CODE and path.is_file())


def _uncommitted(folder: Path, results: Collection[Path]) -> Iterator[Path]:
    told = _git(folder, "status", "--porcelain", "-z", "--no-renames", "--untracked-files=all", "--", ".") or ""
    top = Path(_git(folder, "rev-parse", "--show-toplevel") or folder)
    below = folder.resolve()
    for entry in filter(None, told.split("\0")):
        path = top / entry[3:]
        if path in results or (entry.startswith("??") and path.suffix not in CODE):
            continue
        while not path.exists():  # one that was deleted has changed its folder
            path = path.parent
        if path.is_relative_to(below):
            yield folder / path.relative_to(below)


def _without(folder: Path, results: Collection[Path]) -> list[str]:
    root = folder.resolve()
    inside = [path.resolve() for path in results if path.resolve().is_relative_to(root)]
    return [f":(exclude,literal){path.relative_to(root).as_posix()}" for path in inside]


def _written(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _git(folder: Path, *arguments: str) -> str | None:
    """Return what git says of a folder, None where it refuses; a program that its configuration names is not begun."""
    command = ["git", "-c", "core.fsmonitor=false", "-C", str(folder), *arguments]
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS,
            check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return None
    return done.stdout.strip("\n") if done.returncode == 0 else None
