"""What the reading of code answers: a state with the place that shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dsaudit.codebase.model import Code, Function, Unresolved

State = Literal["found", "absent", "unresolved"]


@dataclass(frozen=True)
class Finding:
    """Whether the code does a thing, and where it is seen. `evidence` names functions and facts, never source text."""

    state: State
    file: str
    line: int
    evidence: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.state}: {self.evidence}"


@dataclass(frozen=True)
class Practices:
    """The four things a sync function has to do."""

    pagination: Finding
    rate_limit: Finding
    errors: Finding
    logging: Finding


@dataclass(frozen=True)
class Item:
    """One element of a list in the code; `comment` stands behind it or directly above it."""

    value: object
    file: str
    line: int
    comment: str | None


@dataclass(frozen=True)
class Items:
    """The elements of a list in the code, and what of it only running the code would tell."""

    items: tuple[Item, ...]
    unresolved: tuple[Unresolved, ...]

    @property
    def values(self) -> tuple[object, ...]:
        """The elements without their places."""
        return tuple(item.value for item in self.items)


def missing(code: Code, file: str | None, evidence: str, function: Function | None = None) -> Finding:
    """Absent; unresolved where a file that may hold it did not parse."""
    problem = code.problem_in(file)
    if problem is not None:
        return Finding("unresolved", problem.file, problem.line, f"{evidence}, but this file {problem.why}")
    if function is not None:
        return Finding("absent", function.file, function.line, evidence)
    modules = code.in_file(file)
    return Finding("absent", modules[0].file if file and modules else file or ".", 1, evidence)
