"""Reads a folder of Python files into syntax trees. Nothing is imported or run; nothing in a file can raise here."""

from __future__ import annotations

import ast
import io
import os
import tokenize
import warnings
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path, PurePosixPath

from dsaudit.codebase.model import Code, Comment, Module, Problem
from dsaudit.codebase.scopes import index

SKIPPED = {"venv", "env", "node_modules", "__pycache__", "site-packages"}
LARGEST = 2_000_000  # a bigger file is generated, and parsing it would take minutes


def read(root: Path, tests: bool = False) -> Code:
    """Parses every *.py file below root; virtual environments, hidden folders and (unless asked) tests are left out.

    A file that cannot be read or parsed becomes a problem. Raises NotADirectoryError where root is no folder.
    """
    if not root.is_dir():
        raise NotADirectoryError(f"{root} is not a folder of code")
    texts: dict[str, bytes] = {}
    problems = []
    for path in _files(root, tests):
        name = path.relative_to(root).as_posix()
        try:
            if path.stat().st_size > LARGEST:
                problems.append(Problem(name, 1, 1, f"not read: larger than {LARGEST:,} bytes"))
            else:
                texts[name] = path.read_bytes()
        except OSError as error:
            problems.append(Problem(name, 1, 1, f"cannot be read: {error.strerror}"))
    code = _parsed(tuple(sorted(texts.items())))
    return Code(code.modules, (*code.problems, *problems), root.resolve().name)


@lru_cache(maxsize=1)
def _parsed(texts: tuple[tuple[str, bytes], ...]) -> Code:
    """Parse texts once for all who find the same, as the kernels do that are forked from one process."""
    return read_texts(dict(texts))


def read_texts(texts: Mapping[str, str | bytes]) -> Code:
    """The same for texts that are already in memory, by their path from the root."""
    modules: dict[str, Module] = {}
    problems: list[Problem] = []
    for file, text in sorted(texts.items()):
        result = _module(file, text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text)
        if isinstance(result, Module):
            modules[result.name if result.name not in modules else file] = result
        else:
            problems.append(result)
    return Code(modules, tuple(problems))


def _files(root: Path, tests: bool) -> Iterator[Path]:
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if _entered(Path(folder, name), tests))
        for name in sorted(files):
            path = Path(folder, name)
            if name.endswith(".py") and path.is_file() and (tests or not _is_test(name)):
                yield path


def _entered(folder: Path, tests: bool) -> bool:
    if folder.name in SKIPPED or folder.name.startswith(".") or (folder / "pyvenv.cfg").exists():
        return False
    return tests or folder.name not in {"test", "tests"}


def _is_test(name: str) -> bool:
    return name.startswith("test_") or name.endswith("_test.py") or name == "conftest.py"


def _module(file: str, text: bytes) -> Module | Problem:
    path = PurePosixPath(file)
    package = path.name == "__init__.py"
    parts = path.parent.parts if package else path.with_suffix("").parts
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an invalid escape in the code read is not ours to warn of
            tree = ast.parse(text)
        module = Module(".".join(parts), file, package, tree, _comments(file, text))
        index(module)
    except SyntaxError as error:
        return Problem(file, error.lineno or 1, error.offset or 1, f"does not parse: {error.msg}")
    except (ValueError, MemoryError, RecursionError) as error:
        return Problem(file, 1, 1, f"does not parse: {error or type(error).__name__}")
    return module


def _comments(file: str, text: bytes) -> dict[int, Comment]:
    found: dict[int, Comment] = {}
    if b"#" not in text:
        return found
    try:
        for token in tokenize.tokenize(io.BytesIO(text).readline):
            if token.type == tokenize.COMMENT:
                line, column = token.start
                alone = not token.line[:column].strip()
                found[line] = Comment(file, line, token.string.lstrip("#").strip(), alone)
    except (tokenize.TokenError, SyntaxError):
        return found  # the tree was read; only comments after this point are missing
    return found
