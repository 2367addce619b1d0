"""Reads a plan that EXPLAIN ANALYZE has told in JSON: what each step read, what it kept, and how much work it was."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Plan = dict[str, Any]

MUCH = 0.5  # of a table that is read whole, so much has to be asked for
LITTLE = 0.1  # of what an index finds, less than this is little
WHOLE = {"Seq Scan", "Sample Scan", "Index Scan", "Index Only Scan"}  # without a condition on an index
PASSING = {"Hash", "Materialize", "Memoize", "Sort", "Incremental Sort", "Gather", "Gather Merge"}
ADDING = ("Inner", "Left", "Right", "Full")  # joins that give a row for each pair; others ask whether there is one
REMOVED = ("Rows Removed by Filter", "Rows Removed by Join Filter", "Rows Removed by Index Recheck")


@dataclass(frozen=True)
class Read:
    """What a step read of a table each time, what it kept of that, and what was left of it after the joins above."""

    table: str
    is_whole: bool
    rows: float
    kept: float
    asked: float
    condition: str | None  # by which rows were thrown away, without its values

    def is_wasteful(self, scan_rows: int) -> bool:
        """Whether little was asked for of much that was read."""
        share = self.asked if self.is_whole else self.kept
        return self.rows >= scan_rows and share < self.rows * (MUCH if self.is_whole else LITTLE)


def reads(plan: Plan) -> list[Read]:
    """Return what the steps of a plan read of tables; steps that never ran are left out."""
    return list(_reads(plan["Plan"], []))


def handled(plan: Plan) -> float:
    """Return how many rows all steps of a plan took in their hands: a measure of work that no busy machine changes."""
    return sum(_each(step) * _loops(step) for step in _steps(plan["Plan"]))


def returned(plan: Plan) -> float:
    """Return how many rows a query gave back."""
    return float(plan["Plan"].get("Actual Rows", 0))


def buffers(plan: Plan) -> int:
    """Return how many pages a query looked at, cached or not."""
    return int(plan["Plan"].get("Shared Hit Blocks", 0)) + int(plan["Plan"].get("Shared Read Blocks", 0))


def tables(plan: Plan) -> set[str]:
    """Return the tables that a plan reads, with their schemas where it was told verbosely."""
    return {_table(step) for step in _steps(plan["Plan"]) if "Relation Name" in step}


def _reads(step: Plan, above: list[Plan]) -> Iterator[Read]:
    if "Relation Name" in step and _loops(step):
        loops = _loops(step)
        kept = float(step["Actual Rows"])
        has_condition = "Index Cond" in step or step["Node Type"] not in WHOLE
        condition = step.get("Filter")
        yield Read(_table(step), not has_condition, _each(step), kept, _asked(kept * loops, step, above) / loops,
                   re.sub(r"'[^']*'|\b\d+(\.\d+)?\b", "…", condition) if condition else None)  # fmt: skip
    for inner in step.get("Plans", []):
        yield from _reads(inner, [*above, step])


def _asked(kept: float, step: Plan, above: list[Plan]) -> float:
    """Return how many of the rows that a step kept were left after the joins that they went through."""
    inner = step
    for outer in reversed(above):
        if inner.get("Parent Relationship") in ("InitPlan", "SubPlan"):
            break
        if outer.get("Join Type") in ADDING:
            kept = min(kept, float(outer["Actual Rows"]) * _loops(outer))
        elif outer["Node Type"] not in PASSING:
            break
        inner = outer
    return kept


def _each(step: Plan) -> float:
    """Return how many rows a step took each time, with those that it threw away."""
    return float(step.get("Actual Rows", 0)) + sum(float(step.get(name, 0)) for name in REMOVED)


def _loops(step: Plan) -> float:
    return float(step.get("Actual Loops", 0))


def _table(step: Plan) -> str:
    return ".".join(filter(None, (step.get("Schema"), step["Relation Name"])))


def _steps(step: Plan) -> Iterator[Plan]:
    yield step
    for inner in step.get("Plans", []):
        yield from _steps(inner)
