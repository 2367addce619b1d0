"""Tables of the live probe: when each step of each change was seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from dsaudit.live import ACTIONS, STEPS, Seen, seen_before
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
    told = {
        (step.action, step.name): "unknown"
        if step.unknown
        else f"not in {seen.waited:g} s"
        if step.until is None
        else span(step.until)
        for step in seen.steps
    }
    actions = [action for action in ACTIONS if (action, "changed") in told]
    return pd.DataFrame(
        [{"action": action, **{name: told.get((action, name), "–") for name in STEPS}} for action in actions]
    )


def live_times(audit: Audit) -> pd.DataFrame:
    """Each step of a change made at the source: seconds until it was seen, none where it was not.

    needs: live
    key: action, step
    show: action, step, seconds, waited_seconds, limit_seconds, late, seen_at
    """
    seen = _seen(audit)
    if seen is None:
        return pd.DataFrame()
    rows = [
        (one.action, one.name, one.until, seen.waited, seen.limit, one.is_late(seen.limit), one.at)
        for one in seen.steps
    ]
    return pd.DataFrame(
        rows, columns=["action", "step", "seconds", "waited_seconds", "limit_seconds", "late", "seen_at"]
    )


def _seen(audit: Audit) -> Seen | None:
    """Return what was seen; nothing is done for a table."""
    return seen_before(audit) if audit.parameters.acting else None
