"""A metric that watches a system between two audits, and the limit beyond which it alarms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from dsaudit.checks import all_checks, plan_check
from dsaudit.monitoring.queries import Queries
from dsaudit.parameters import Parameters
from dsaudit.parameters.monitoring import Danger
from dsaudit.parameters.policy import Policy
from dsaudit.parameters.resource import Relation
from dsaudit.wording import span


@dataclass(frozen=True)
class Metric:
    """A gauge and the alert on it: what it measures, the limit, and what to look at when it is beyond.

    ``needs`` are ways in as a check names them, ``having`` is what at least one resource has to declare. A metric
    without ``limit`` is only shown; one with ``by_relation`` has a limit of its own for each relation that says one.
    """

    name: str
    danger: Danger
    help: str
    query: Callable[[Queries], str]
    labels: tuple[str, ...]
    unit: Literal["seconds", "ratio", "count"]
    limit: Callable[[Policy], float] | None
    needs: tuple[str, ...]
    alert: str
    severity: Literal["warning", "critical"]
    summary: str  # {value} and {limit} stand for theirs
    look: str
    checks: tuple[str, ...]  # that tell more of it
    having: Literal["", "webhooks", "sync"] = ""
    blueprint: str = ""  # the only one that asks for it, '' for any
    lacks: Callable[[Parameters], str] = lambda parameters: ""  # what the file lacks for it, in words
    by_relation: Callable[[Relation], float | None] | None = None

    def told(self, value: float) -> str:
        """Return a value of it in words."""
        if value != value:
            return "nothing to measure"
        if value == float("inf"):
            return "never"
        if self.unit == "seconds":
            return span(value)
        return f"{value:.0f}" if self.unit == "count" else f"{100 * value:.4g} %"

    def limits(self, parameters: Parameters) -> dict[str, float]:
        """Return its limits: one under '' for all its values, or one for each relation that declares it."""
        if self.by_relation:
            told = {relation.name: self.by_relation(relation) for relation in parameters.relations}
            return {name: limit for name, limit in told.items() if limit is not None}
        return {"": self.limit(parameters.policy)} if self.limit else {}

    def limit_of(self, labels: Mapping[Any, Any], parameters: Parameters) -> float | None:
        """Return the limit of one of its values, None where none is declared."""
        return self.limits(parameters).get(labels.get("relation", "") if self.by_relation else "")

    def runnable(self, parameters: Parameters) -> list[str]:
        """Return those of its checks that the file gives something to run on."""
        known = all_checks()
        return [name for name in self.checks if plan_check(known[name], parameters).skipped is None]
