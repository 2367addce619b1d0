"""The lines in which the fault matrix writes down what it saw, one object a line."""

from __future__ import annotations

from dataclasses import dataclass


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
    def is_found(self) -> bool:
        """Whether the check did that has to find it; of a key that names none, whether nothing was missed."""
        return self.root not in self.missed if self.root else not self.missed

    @property
    def has_right_rows(self) -> bool:
        return self.is_found and not self.wrong_rows

    @property
    def has_right_cause(self) -> bool:
        """Whether the decision names the root first, and the cause is the key's, where it has these."""
        return self.is_found and self.first in (self.root, self.root or self.first) and self.cause_is_right

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
