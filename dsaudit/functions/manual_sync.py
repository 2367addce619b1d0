"""Test 1: does the API queue a sync that is asked for, and does it run?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsaudit.background import acts, calls
from dsaudit.functions import Found, frames
from dsaudit.functions._queued import judged, why_unknown

if TYPE_CHECKING:
    from dsaudit.audit import Audit


def api_is_healthy(audit: Audit) -> Found:
    """The API answers, and says that it is well.

    why: whoever asks for a sync asks there; an API that lacks its database or its broker cannot queue one
    requirement: BS0
    severity: critical
    needs: api.health
    instant: now
    key: address
    show: address, told
    remedy: start the application, or mend what its answer names, and look at its log
    """
    answered = calls.health(audit.parameters)
    if answered.status is None:
        return frames([], [{"examined": 0, "reason": f"the API was {answered.told}"}])
    bad = {name: value for name, value in answered.body.items() if str(value).lower() in ("down", "error", "failed")}
    is_well = 200 <= answered.status < 300 and not bad
    also = f", with {', '.join(sorted(bad))} not well" if bad else ""
    row = {"address": audit.parameters.api and audit.parameters.api.health, "told": answered.told + also}
    return frames([] if is_well else [row], [{"examined": 1}])


def sync_request_is_accepted(audit: Audit) -> Found:
    """A sync that is asked for by the API is queued, and the answer names its task.

    why: without the task's id nobody can tell what became of what they asked for
    requirement: BS1
    severity: critical
    needs: api.sync, syncs
    instant: now
    acts: it asks the API for a sync
    key: wrong
    show: wrong, told
    explains: requested_sync_ran
    remedy: read the API's log for the request; the route has to queue the task and answer with its id
    """
    one = acts.requested(audit)
    if why := why_unknown(one):
        return frames([], [{"examined": 0, "reason": why}])
    assert one
    wrong = "refused" if one["outcome"] == "refused" else None if one["task_id"] else "no task id in the answer"
    return frames([{"wrong": wrong, "told": one["told"]}] if wrong else [], [{"examined": 1}])


def requested_sync_ran(audit: Audit) -> Found:
    """A sync that was asked for by the API is taken by a worker and ends without an error.

    why: an answer of 200 says that a message was queued, and nothing of what becomes of it
    requirement: BS1
    severity: critical
    needs: api.sync, syncs
    instant: now
    acts: it asks the API for a sync
    key: task_id
    show: task_id, outcome
    remedy: read the worker's log for the task; where no worker took it, see that one runs and knows the task
    """
    one = acts.requested(audit)
    if one and one["outcome"] == "refused":
        return frames([], [{"examined": 0, "reason": f"nothing was queued: {one['told']}"}])
    return judged(one)
