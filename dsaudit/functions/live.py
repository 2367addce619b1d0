"""Phase 6: a record is changed at the source, and looked for here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsaudit.functions import Found, Row, frames
from dsaudit.live import probe, seen_before
from dsaudit.progress import told_by_a_kernel

if TYPE_CHECKING:
    from dsaudit.audit import Audit


def live_changes_arrive(audit: Audit) -> Found:
    """What is created, updated and deleted at the source arrives, step by step and in time.

    why: the data tell how it went with what did arrive; a change that is made while somebody looks shows what does not
    requirement: DS6.2
    severity: critical
    needs: live
    acts: it creates a record at the source, updates it three times and deletes it
    key: action, step
    show: action, step, held_up_by, seconds, limit_seconds
    expect: latency_seconds
    remedy: mend the first step that is missing, the others wait for it; then run it again
    """
    replayed = not audit.asks_anew and audit.source.replayed
    with told_by_a_kernel(audit.run_folder) as progress:
        seen = seen_before(audit) if replayed else probe(audit, progress)
    if seen is None:
        return frames([], [{"examined": 0, "reason": "the run that is replayed did not do it"}])
    rows: list[Row] = []
    for step in seen.steps:
        if step.is_late(seen.limit):
            first = next((row["step"] for row in rows if row["action"] == step.action), None)
            rows.append(
                {
                    "action": step.action,
                    "step": step.name,
                    "held_up_by": first,
                    "seconds": step.until,
                    "limit_seconds": seen.limit,
                    "seen_at": step.at,
                }
            )
    problems = [*seen.problems, *([f"still at the source, to be deleted by hand: {seen.left}"] if seen.left else [])]
    problems += [
        f"{step.action}, {step.name}: "
        + (step.unknown or f"between {step.since:g} and {step.until:g} s, so the looks cannot tell")
        for step in seen.steps
        if step.is_late(seen.limit) is None
    ]
    judged = [step for step in seen.steps if step.name != "changed"]
    slowest = max((seen.waited if step.until is None else step.until for step in judged), default=None)
    line: Row = {"examined": len(judged), "value": slowest, "unit": "s", "reason": "; ".join(problems) or None}
    found, examined = frames(rows, [line])
    # Where a step failed, the reason would not be shown.
    examined.attrs["limits"] = [*problems, *LEFT_OUT]
    return found, examined


LEFT_OUT = ["that a delivery comes twice, or after a later one, is the provider's doing, and is not caused here"]
