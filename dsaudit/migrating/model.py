"""What is known of a project's revisions after they were tried."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from dsaudit.migrating.demands import Demand
from dsaudit.migrating.fingerprints import Loss
from dsaudit.migrating.schema import Difference, Schema

Way = Literal["up", "down", "up again"]
Ending = Literal["complete", "incomplete", "refused", "failed", "not tried"]


@dataclass(frozen=True)
class Revision:
    """One revision of the project; `follows` are those that it is built on."""

    name: str
    follows: tuple[str, ...]
    title: str
    file: str


@dataclass(frozen=True)
class Failure:
    """A revision that did not go through: which way, on what, and what was said.

    `table` and `column` are of one that was empty where it may not be; `is_new` where the revision itself adds it.
    `lets_others` where it goes through with rows that meet what it demands.
    """

    revision: str
    way: Way
    on: str  # empty tables, rows
    words: str
    told: Mapping[str, Any] = field(default_factory=dict, repr=False)
    table: str = ""
    column: str = ""
    is_new: bool = False
    lets_others: bool = False

    @property
    def is_about_rows(self) -> bool:
        """Whether it depends on the values of the rows that were made up, and not on there being rows at all."""
        return self.on == "rows" and str(self.told.get("sqlstate") or "")[:2] in ("22", "23") and not self.is_new


@dataclass(frozen=True)
class Lost:
    """What became of a column or a table after a revision went one way."""

    revision: str
    way: Way
    loss: Loss


@dataclass(frozen=True)
class Added:
    """A column that a revision gave to a table that was there, and what is wrong with its values, or None."""

    revision: str
    table: str
    column: str
    default: str | None
    problem: str | None


@dataclass(frozen=True)
class Former:
    """What became of a row, or of a reading, as the former revision has it; `problem` None where all is well."""

    revision: str
    table: str
    column: str
    problem: str | None
    untried: str | None = None


@dataclass(frozen=True)
class Deletion:
    """Rows of a table that a downgrade deleted on the filled copy, held against the declared condition."""

    revision: str
    table: str
    condition: str | None
    rows: int
    deleted: int
    meeting: int  # rows that the condition names
    more: int  # deleted, and not named
    left: int  # named, and not deleted


@dataclass(frozen=True)
class Down:
    """How a downgrade on the filled copy ended."""

    revision: str
    ending: Ending
    words: str = ""
    table: str = ""
    column: str = ""
    differences: tuple[Difference, ...] = ()
    dropped: Mapping[str, int] = field(default_factory=dict)  # tables that went, and how many rows each had


@dataclass
class Walk:
    """All that came of trying the revisions; `problem` is why there was nothing to try."""

    tried: list[str] = field(default_factory=list)
    steps: int = 0
    failures: list[Failure] = field(default_factory=list)
    schemas: dict[str, Schema] = field(default_factory=dict)  # after each revision; "" before the first that is tried
    changes: dict[str, list[Difference]] = field(default_factory=dict)
    statements: dict[str, list[str]] = field(default_factory=dict)  # of each revision, on its way up
    demands: list[Demand] = field(default_factory=list)
    fingerprints: int = 0
    losses: list[Lost] = field(default_factory=list)
    added: list[Added] = field(default_factory=list)
    former: list[Former] = field(default_factory=list)
    downs: list[Down] = field(default_factory=list)
    deletions: list[Deletion] = field(default_factory=list)
    limits: list[str] = field(default_factory=list)
    problem: str | None = None
