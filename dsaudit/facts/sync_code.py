"""The sync functions of the declared resources, as the integration's code has them, and what each of them does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dsaudit import codebase

if TYPE_CHECKING:
    from dsaudit.audit import Audit


@dataclass(frozen=True)
class Judged:
    """A sync function with the four findings about it."""

    function: codebase.Function
    practices: codebase.Practices

    @property
    def place(self) -> str:
        """The file and line where it is defined."""
        return f"{self.function.file}:{self.function.line}"


def functions_named(audit: Audit, name: str) -> list[Judged]:
    """Return the functions of this name, each judged; one with its class or module before it chooses among several."""
    assert audit.parameters.code is not None
    return judged(audit.code, name, audit.parameters.code.sync)


def judged(code: codebase.Code, name: str, pattern: str) -> list[Judged]:
    """Return what `functions_named` does; judging follows the code through helpers, and is done once for each name."""
    return code.once(("judged", name, pattern), lambda: [*_judged(code, name, pattern)])


def _judged(code: codebase.Code, name: str, pattern: str) -> Iterator[Judged]:
    for one in codebase.functions(code, name.rpartition(".")[2]):
        if f".{one.module}.{one.qualified}".endswith(f".{name}"):
            yield Judged(one, codebase.practices(code, one, pattern))


def unread(audit: Audit) -> str | None:
    """Return which file could not be read, and so may hold what was not found, or None."""
    problems = audit.code.problems
    more = f", and {len(problems) - 1} more" if len(problems) > 1 else ""
    return f"{problems[0]}{more}" if problems else None
