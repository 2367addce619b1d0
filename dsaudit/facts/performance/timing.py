"""Runs the declared queries in the audited database, read only, and takes their times and plans."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, TypeVar

from dsaudit.database import QueryError, RelationMissing, TimeLimit
from dsaudit.facts.performance.drawing import Values, values_of
from dsaudit.facts.performance.plans import Plan
from dsaudit.parameters.performance import Query, Valued

if TYPE_CHECKING:
    from dsaudit.audit import Audit

Found = TypeVar("Found")

RUNS = 10  # of each query after the first round
LONGEST = 20.0  # seconds after which no other round is begun


@dataclass(frozen=True)
class Timing:
    """The times of a query in milliseconds, a round for all its sets of values; the first round met an unread cache."""

    rounds: list[list[float]] = field(default_factory=list)
    plans: list[Plan] = field(default_factory=list)  # of the last round
    problem: str | None = None
    is_endless: bool = False  # it was ended at the time limit

    @property
    def count(self) -> int:
        """How often it ran after the first round."""
        return sum(map(len, self.rounds[1:]))

    @property
    def first(self) -> float:
        """What it took when its pages were not in the cache yet, as far as nobody else had read them."""
        return median(self.rounds[0])

    @property
    def middle(self) -> float:
        """The median of all further runs."""
        return median(took for one in self.rounds[1:] for took in one)

    @property
    def undisturbed(self) -> float:
        """What it takes where nothing is in the way: the fastest run of each set of values, of these the median."""
        fastest: list[float] = [min(times) for times in zip(*self.rounds[1:], strict=True)]
        return median(fastest)

    @property
    def span(self) -> tuple[float, float]:
        """The fastest and the slowest of the further runs."""
        times = [took for one in self.rounds[1:] for took in one]
        return min(times), max(times)


def timings(audit: Audit) -> dict[str, Timing]:
    """Return the times of each declared query, by its name; taken once for all checks of a notebook."""
    return _each(audit, "timings", _timed)


def plans_by_index(audit: Audit) -> dict[str, list[Plan] | str]:
    """Return the plans of each query with sequential scans priced out, by name, or why there are none.

    On a small table reading all of it is right, and says nothing of the day when it is large.
    """
    return _each(audit, "plans_by_index", _planned)


def sets(audit: Audit, query: Query) -> list[Values]:
    """Return the sets of values that a query is run with here.

    Raises
    ------
    QueryError, RelationMissing
        A table or a column is not there, or may not be read.
    """
    kept: dict[str, list[Values]] = audit.kept.setdefault("sets", {})
    if query.name not in kept:
        resources = audit.parameters.whole.resources
        kept[query.name] = values_of(
            query, lambda sql: audit.database.query(sql).rows, lambda name: audit.relations.table(resources[name].table)
        )
    return kept[query.name]


def lacking(one: Valued) -> str:
    """Say that a query, or updates, could be given no values."""
    return f"there are no rows to draw its values from: {', '.join(one.drawn.values())}"


def _each(audit: Audit, name: str, find: Callable[[Audit, Query], Found]) -> dict[str, Found]:
    found: dict[str, Found] | None = audit.kept.get(name)
    if found is None:
        performance = audit.parameters.performance
        found = {query.name: find(audit, query) for query in performance.queries} if performance else {}
        audit.kept[name] = found
    return found


def _timed(audit: Audit, query: Query) -> Timing:
    try:
        given = sets(audit, query)
        if not given:
            return Timing(problem=lacking(query))
        rounds, begun = [audit.database.explain(query.sql, given, run=True)], time.monotonic()
        while len(rounds) < 2 or (len(given) * (len(rounds) - 1) < RUNS and time.monotonic() - begun < LONGEST):
            rounds.append(audit.database.explain(query.sql, given, run=True))
    except TimeLimit as error:
        limit = audit.database.settings.statement_timeout * 1000
        return Timing(problem=str(error), is_endless="statement timeout" in str(error) and limit > query.budget)
    except (QueryError, RelationMissing) as error:
        return Timing(problem=str(error))
    return Timing([[float(plan["Execution Time"]) for plan in one] for one in rounds], rounds[-1])


def _planned(audit: Audit, query: Query) -> list[Plan] | str:
    try:
        given = sets(audit, query)
        if not given:
            return lacking(query)
        try:
            return audit.database.explain(query.sql, given, run=True, scans=False)
        except TimeLimit:  # on a table so large the plan that PostgreSQL itself chooses is telling
            return audit.database.explain(query.sql, given, run=True)
    except (QueryError, RelationMissing) as error:
        return str(error)
