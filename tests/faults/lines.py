"""What the fault matrix has written down in `figures/`, one object a line, read back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

FIGURES = Path(__file__).parent / "figures"


class LinesError(Exception):
    """A line is none of its file; the message names file, line and what is wrong."""


@dataclass(frozen=True)
class Trial:
    """One planting of a fault, and what the audit said of it."""

    kind: str
    blueprint: str
    mode: int  # its number in the catalogue of failures, 0 if it has none
    how: str  # caused or edited
    seed: int
    way: str  # process or papermill
    root: str | None  # the check that has to find it
    first: str | None  # the check that the decision names first
    must: list[str]
    missed: list[str]
    wrong_rows: list[str]
    cause: str | None
    told: list[str]
    alarms: list[str]
    seconds: float

    @property
    def is_noticed(self) -> bool:
        """Whether any check of the key says what the key says."""
        return not set(self.must) <= set(self.missed) or not self.must

    @property
    def is_found(self) -> bool:
        """Whether the check did that has to find it; of a key that names none, whether nothing was missed."""
        return self.root not in self.missed if self.root else not self.missed

    @property
    def has_right_rows(self) -> bool:
        return self.is_found and not self.wrong_rows

    @property
    def is_named_first(self) -> bool:
        """Whether the decision names the root first, where the key has one."""
        return self.is_found and self.first_is_right

    @property
    def has_right_cause(self) -> bool:
        """Whether the cause is the key's; of a key that has none, or whose checks tell none, it is not."""
        return self.is_found and self.cause is not None and self.cause_is_right

    @property
    def first_is_right(self) -> bool:
        return not self.root or self.first == self.root

    @property
    def cause_is_right(self) -> bool:
        return self.cause is None or self.told == [self.cause]


@dataclass(frozen=True)
class Clean:
    """One run on clean data; `alarms` are the checks that were not green and should have been."""

    kind: str
    blueprint: str
    seed: int
    way: str
    alarms: list[str]


@dataclass(frozen=True)
class Mutant:
    """A check that was broken on purpose, what noticed it, and else why nothing can."""

    check: str
    language: str  # sql or python
    mutation: str
    place: str
    refused: bool  # by PostgreSQL, which counts neither as made nor as noticed
    killed_by: list[str]
    reason: str


@dataclass(frozen=True)
class Rival:
    """A planting, or a clean run, as another tool saw it."""

    rival: str
    kind: str
    seed: int
    detected: bool
    can_see: bool  # whether the tool, as it is set up, could see this at all
    seconds: float

    @property
    def is_clean(self) -> bool:
        return self.kind.endswith("/clean")


@dataclass(frozen=True)
class Figures:
    """All that was written down; what was not measured is empty."""

    trials: list[Trial]
    clean: list[Clean]
    mutants: list[Mutant]
    rivals: list[Rival]


Line = TypeVar("Line", Trial, Clean, Mutant, Rival)


def read(folder: Path = FIGURES) -> Figures:
    """Read the files that are there.

    Raises
    ------
    LinesError
        A line is no object, or lacks a field.
    """
    return Figures(
        sorted(_lines(folder / "trials.jsonl", Trial), key=lambda one: (one.blueprint, one.kind, one.seed, one.way)),
        _lines(folder / "clean.jsonl", Clean),
        [one for one in _lines(folder / "mutants.jsonl", Mutant) if not one.refused],
        _lines(folder / "rivals.jsonl", Rival),
    )


def _lines(path: Path, kind: type[Line]) -> list[Line]:
    """Return the lines of a file; what a line says beyond its fields is left out."""
    return [_line(path, number, told, kind) for number, told in _numbered(path)]


def objects(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a file as they stand; raises what `read` does."""
    return [told for _, told in _numbered(path)]


def _numbered(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    texts = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    for number, text in enumerate(texts, 1):
        try:
            if text.strip():
                yield number, json.loads(text)
        except json.JSONDecodeError as error:
            raise LinesError(f"{path}:{number}: is no JSON: {error.msg}; measure it again") from None


def _line(path: Path, number: int, told: dict[str, Any], kind: type[Line]) -> Line:
    try:
        return kind(**{one.name: told[one.name] for one in fields(kind)})
    except KeyError as error:
        raise LinesError(f"{path}:{number}: lacks {error.args[0]!r}; it has {', '.join(told)}") from None
