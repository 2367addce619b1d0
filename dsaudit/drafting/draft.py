"""A draft: what a parameter file will say, key by key, and how certain each of it is."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

Path_ = tuple[str, ...]


@dataclass(frozen=True)
class Entry:
    """The value of one key, and why it is a guess, or None where it is certain."""

    value: Any
    guess: str | None = None


@dataclass
class Draft:
    """Keys by their path, in the order of the file, and what is left open where."""

    entries: dict[Path_, Entry] = field(default_factory=dict)
    open: list[tuple[Path_, str]] = field(default_factory=list)
    notes: list[tuple[Path_, str]] = field(default_factory=list)  # what is left out on purpose
    offers: list[tuple[Path_, Entry]] = field(default_factory=list)  # what may be taken in by whoever knows better
    variables: dict[str, str] = field(default_factory=dict)  # environment variables, and what each has to hold

    def put(self, path: str, value: Any, guess: str | None = None) -> None:
        """Set the key at a dotted path; an absent value sets nothing."""
        if value is not None and value != {} and value != []:
            self.entries[tuple(path.split("."))] = Entry(value, guess)

    def ask(self, path: str, what: str) -> None:
        """Leave something to be filled in at a section or key."""
        self.open.append((tuple(path.split(".")), what))

    def note(self, path: str, what: str) -> None:
        """Say at a section or key what is left out of it, and why."""
        self.notes.append((tuple(path.split(".")), what))

    def offer(self, path: str, value: Any, why: str) -> None:
        """Write a key, or a relation, as a comment that only has to lose its mark, and say what speaks for it."""
        self.offers.append((tuple(path.split(".")), Entry(value, why)))

    def value(self, path: str) -> Any:
        """Return the value of a key, None where it is not drafted."""
        entry = self.entries.get(tuple(path.split(".")))
        return entry.value if entry else None

    def counts(self) -> tuple[int, int, int]:
        """Return how many keys are certain, how many are guessed, and how many points are left open."""
        guessed = sum(entry.guess is not None for entry in self.entries.values())
        return len(self.entries) - guessed, guessed, len(self.open)

    def values(self) -> dict[str, Any]:
        """Return the draft as the nested values of a parameter file."""
        nested: dict[str, Any] = {}
        for path, entry in self.entries.items():
            at = nested
            for step in path[:-1]:
                at = at.setdefault(step, {})
            at[path[-1]] = entry.value
        if relations := nested.get("relations"):
            nested["relations"] = list(relations.values())
        return nested


def columns(
    draft: Draft,
    section: str,
    found: Mapping[str, str],
    own: Mapping[str, str],
    proven: Collection[str],
    why: str = "by its name and type",
) -> None:
    """Set the columns of a table's section, those that are not `proven` as guesses.

    What is called as dsaudit calls it is left out, and what is not there is none.
    """
    for name in [*own, *(name for name in found if name not in own)]:
        column = found.get(name, "none")
        if column != own.get(name):
            guess = None if name in proven else "no column is known for it" if column == "none" else why
            draft.put(f"{section}.columns.{name}", column, guess)
