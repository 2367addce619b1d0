"""Phase 6: a record is changed at the source, and looked for here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsaudit.functions import Found, Row, frames
from dsaudit.live import REDELIVERED, Seen, Step, probe, seen_before
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
    seen = _seen(audit)
    if seen is None:
        return frames([], [{"examined": 0, "reason": NOT_DONE}])
    steps = [step for step in seen.steps if step.action not in REDELIVERED]
    rows: list[Row] = []
    for step in steps:
        if step.fails(seen.limit):
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
    problems = [*_problems(seen), *_undecided(seen, steps)]
    judged = [step for step in steps if step.name != "changed"]
    slowest = max((seen.waited if step.until is None else step.until for step in judged), default=None)
    line: Row = {"examined": len(judged), "value": slowest, "unit": "s", "reason": "; ".join(problems) or None}
    found, examined = frames(rows, [line])
    # Where a step failed, the reason would not be shown.
    examined.attrs["limits"] = problems
    return found, examined


def redelivered_changes_nothing(audit: Audit) -> Found:
    """A delivery that comes twice, or after a newer one, changes nothing.

    why: providers send again what was not answered in time, and promise no order; the last to come may be the oldest
    requirement: DS6.2
    severity: high
    needs: live, raw.columns.delivery_id, raw.columns.payload, webhooks.probe.secret_env
    acts: it sends a delivery of the record that it has changed again, and an older one after it
    key: action, step
    show: action, step, became, seconds
    remedy: keep each delivery's id under a unique index; let no version overwrite a newer one, by the provider's time
    """
    seen = _seen(audit, again=False)
    if seen is None:
        return frames([], [{"examined": 0, "reason": NOT_DONE}])
    steps = [step for step in seen.steps if step.action in REDELIVERED]
    rows: list[Row] = [
        {
            "action": step.action,
            "step": step.name,
            "became": step.became or "answered late",
            "seconds": step.until,
            "seen_at": step.at,
        }
        for step in steps
        if step.fails(seen.limit)
    ]
    problems = [*([] if steps else _problems(seen)), *_undecided(seen, steps)]
    judged = [step for step in steps if step.is_still and step.fails(seen.limit) is not None]
    found, examined = frames(rows, [{"examined": len(judged), "reason": "; ".join(problems) or None}])
    examined.attrs["limits"] = problems
    return found, examined


NOT_DONE = "the run that is replayed did not do it"


def _seen(audit: Audit, again: bool = True) -> Seen | None:
    """Do it and return what was seen; of a run that is replayed, and if not `again`, what was seen before."""
    replayed = not audit.asks_anew and audit.source.replayed
    before = seen_before(audit) if replayed or not again else None
    if before or replayed:
        return before
    with told_by_a_kernel(audit.run_folder) as progress:
        return probe(audit, progress)


def _problems(seen: Seen) -> list[str]:
    return [*seen.problems, *([f"still at the source, to be deleted by hand: {seen.left}"] if seen.left else [])]


def _undecided(seen: Seen, steps: list[Step]) -> list[str]:
    """Return which steps nothing can be said of, each with the reason."""
    return [
        f"{step.action}, {step.name}: "
        + (step.unknown or f"between {step.since:g} and {step.until:g} s, so the looks cannot tell")
        for step in steps
        if step.fails(seen.limit) is None
    ]
