"""Tables of the live probe: when each step of each change was seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from dsaudit.live import ACTIONS, STEPS, Seen, Step, seen_before
from dsaudit.wording import span

if TYPE_CHECKING:
    from dsaudit.audit import Audit


def live_steps(audit: Audit) -> pd.DataFrame:
    """When each step of a change made at the source was seen, from the request on.

    needs: live
    key: action
    show: action, changed, webhook, raw, hash, refined, row
    """
    seen = _seen(audit)
    if seen is None:
        return pd.DataFrame()
    told = {(step.action, step.name): _told(step, seen.waited) for step in seen.steps}
    actions = [action for action in ACTIONS if any(action == one for one, _ in told)]
    return pd.DataFrame(
        [{"action": action, **{name: told.get((action, name), "–") for name in STEPS}} for action in actions]
    )


def _told(step: Step, waited: float) -> str:
    if step.became:
        return f"{step.became}, {span(step.until or 0)}"
    if step.unknown:
        return "unknown"
    if step.is_still:
        return "as it was"
    return f"not in {waited:g} s" if step.until is None else span(step.until)


def live_times(audit: Audit) -> pd.DataFrame:
    """Each step of a change made at the source: seconds until it was seen, none where it was not.

    needs: live
    key: action, step
    show: action, step, still, seconds, waited_seconds, limit_seconds, failed, seen_at
    """
    seen = _seen(audit)
    if seen is None:
        return pd.DataFrame()
    rows = [
        (one.action, one.name, one.is_still, _seconds(one), seen.waited, seen.limit, one.fails(seen.limit), one.at)
        for one in seen.steps
    ]
    columns = ["action", "step", "still", "seconds", "waited_seconds", "limit_seconds", "failed", "seen_at"]
    return pd.DataFrame(rows, columns=columns)


def _seconds(step: Step) -> float | None:
    # Where nothing was to come, the seconds in which it did not, or those until it did.
    return step.since if step.is_still and not step.unknown and step.until is None else step.until


def _seen(audit: Audit) -> Seen | None:
    """Return what was seen; nothing is done for a table."""
    return seen_before(audit) if audit.parameters.acting else None
