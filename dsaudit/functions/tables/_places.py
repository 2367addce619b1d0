"""How a table shows a place in the code."""

from __future__ import annotations

from collections import Counter
from pathlib import PurePosixPath

from dsaudit import codebase


def place(code: codebase.Code, file: str, line: int) -> str:
    """Return ``file:line``, by the file's bare name where no other file of the code is called so."""
    named = Counter(PurePosixPath(module.file).name for module in code.modules.values())
    name = PurePosixPath(file).name
    return f"{name if named[name] == 1 else file}:{line}"
