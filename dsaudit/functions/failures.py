"""Test 5: is a failure that the source causes told, logged and survived?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsaudit.background import disturbances
from dsaudit.functions import Found, frames
from dsaudit.functions._queued import NOT_DONE

if TYPE_CHECKING:
    from dsaudit.audit import Audit
    from dsaudit.background.kept import Seen


def failure_is_logged_and_survived(audit: Audit) -> Found:
    """A sync that the source refuses ends as a failure, is logged, and ends neither the worker nor the syncs after it.

    why: a source that is away for a minute must not read as one that has nothing, nor stop the syncs for good
    requirement: BS5
    severity: critical
    needs: worker, syncs.columns.state, outage
    instant: now
    acts: it lets the source refuse for one sync
    key: wrong
    show: wrong, outcome
    explains: syncs_fetched_records
    remedy: let the task raise what the source refuses, log it with its figures, and end the run as failed
    """
    one = disturbances.outage(audit)
    if one is None or one["problem"]:
        return frames([], [{"examined": 0, "reason": NOT_DONE if one is None else one["problem"]}])
    rows = [{"wrong": wrong, "outcome": outcome} for wrong, outcome in _wrong(one)]
    limits = [f"to be undone by hand: {what}" for what in one["left"]]
    found, examined = frames(rows, [{"examined": 1, "reason": "; ".join(limits) or None}])
    examined.attrs["limits"] = limits
    return found, examined


def _wrong(one: Seen) -> list[tuple[str, str]]:
    """Return what went wrong, each with the outcome of the run that shows it."""
    during, after = one["during"]["outcome"], one["after"]["outcome"]
    found: list[tuple[str, str]] = []
    if during == "success":
        found.append(("told as a success", during))
    elif during != "failed":
        found.append(("not told as a failure", during))
    if one["logged"] is not None and "failed" not in one["logged"]:
        found.append(("no line of the log says that it failed", during))
    before, now = one["workers_before"], one["workers_after"]
    if before and not now:
        found.append(("no worker answers any more", during))
    elif before and now:
        gone = sorted(name for name, process in before.items() if name not in now or now[name] != process)
        found += [("a worker's main process ended", during)] * bool(gone)
    if after != "success":
        found.append(("the next sync did not end well", after))
    return found
