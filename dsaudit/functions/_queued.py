"""What a sync that was queued comes to."""

from __future__ import annotations

from dsaudit.background.kept import Seen
from dsaudit.functions import Found, frames

NOT_DONE = "the run that is replayed did not do it"


def judged(one: Seen | None) -> Found:
    """Return what a sync that was queued comes to: a row where it did not end well, a reason where nothing is known."""
    why = why_unknown(one)
    if one and one["outcome"] == "waiting":
        why = "the sync was queued and has not begun; too little time, or none has room for it"
    if why or one is None:
        return frames([], [{"examined": 0, "reason": why}])
    line = {"examined": 1, "value": one["seconds"], "unit": "s, from its beginning to its end"}
    if one["outcome"] == "success":
        return frames([], [line if one["seconds"] is not None else {"examined": 1}])
    run = one["run"] or {}
    outcome = "no worker took it" if one["outcome"] == "silent" else OUTCOMES[one["outcome"]]
    return frames([{"task_id": one["task_id"], "outcome": outcome, "error": run.get("error")}], [{"examined": 1}])


OUTCOMES = {"failed": "failed", "skipped": "skipped", "running": "has not ended"}


def why_unknown(one: Seen | None) -> str | None:
    """Return why nothing can be said of a sync that was to be queued, or None."""
    if one is None:
        return NOT_DONE
    return one["told"] if one["outcome"] == "unreached" else None
