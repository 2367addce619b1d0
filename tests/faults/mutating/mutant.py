"""One mutant, and how it takes the place of its check."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from types import ModuleType

from dsaudit.checks import Check

Key = tuple[str, str]  # a check's name, and a mutation's


@dataclass(frozen=True)
class Mutant:
    """A check with one change: ``part`` of it, the ``query``, ``examined`` or its ``module``, has this ``text``."""

    check: str
    mutation: str
    place: str
    part: str
    text: str

    @property
    def language(self) -> str:
        return "python" if self.part == "module" else "sql"

    @property
    def key(self) -> Key:
        return self.check, self.mutation


def distinct(mutants: Iterable[Mutant], original: dict[str, str]) -> list[Mutant]:
    """Leave out what says nothing new, and give each of those that remain a name of its own."""
    seen, names, kept = set(original.items()), Counter[str](), list[Mutant]()
    for one in mutants:
        if (one.part, one.text) not in seen:
            seen.add((one.part, one.text))
            names[one.mutation] += 1
            number = names[one.mutation]
            kept.append(one if number == 1 else replace(one, mutation=f"{one.mutation} ({number})"))
    return kept


@contextmanager
def in_place(check: Check, mutant: Mutant) -> Iterator[Check]:
    """Yield the check as the mutant has it; a module is put in the place of the check's own meanwhile."""
    if mutant.part != "module":
        yield replace(check, **{mutant.part: mutant.text})  # type: ignore[arg-type]
        return
    name = f"dsaudit.functions.{check.subject}"
    own, module = import_module(name), ModuleType(name)
    module.__file__, module.__package__ = str(check.path), "dsaudit.functions"
    sys.modules[name] = module
    try:
        exec(compile(mutant.text, check.path, "exec"), vars(module))
        yield check
    finally:
        sys.modules[name] = own
