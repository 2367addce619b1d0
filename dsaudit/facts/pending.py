"""What pending revisions demand of the audited rows, and how many of them break it: counted, never changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dsaudit.facts import migrations as facts
from dsaudit.migrating import ProjectError
from dsaudit.migrating.demands import Demand
from dsaudit.scratch import ScratchError

if TYPE_CHECKING:
    from dsaudit.audit import Audit


@dataclass(frozen=True)
class Broken:
    """How many audited rows break what a pending revision demands, or why that is not known.

    `is_open` where pending revisions change rows before, so that those which break it now may meet it then.
    """

    demand: Demand
    rows: int
    problem: str | None = None
    is_open: bool = False


def pending(audit: Audit) -> list[str]:
    """Return the revisions that the audited database has not got, in their order; none where its own is not known."""
    there = facts.audited(audit)
    try:
        bench = facts.bench(audit)
    except (ProjectError, ScratchError):
        return []
    applied = bench.ancestors(there.revisions)
    return [] if there.problem else [name for name in bench.names if name not in applied]


def broken(audit: Audit) -> list[Broken]:
    """Count for each demand of a pending revision the audited rows that break it."""
    if "broken demands" not in audit.kept:
        walk, ahead = facts.walk(audit), pending(audit)
        found: list[Broken] = []
        for number, name in enumerate(ahead, 1):
            before = [statement for one in ahead[:number] for statement in walk.statements.get(one, ())]
            for demand in walk.demands:
                if demand.revision == name:
                    count = facts.counted(audit, demand.table, demand.broken)
                    rows, problem = (0, count) if isinstance(count, str) else (count, None)
                    found.append(Broken(demand, rows, problem, demand.may_be_met_by(before)))
        audit.kept["broken demands"] = found
    kept: list[Broken] = audit.kept["broken demands"]
    return kept
