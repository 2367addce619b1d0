"""Test 2: do workers answer, do they know the task, and does it run when it is sent to them?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsaudit.background import acts, disturbances
from dsaudit.background.broker import BrokerError, connected
from dsaudit.functions import Found, Row, frames
from dsaudit.functions._queued import NOT_DONE, judged

if TYPE_CHECKING:
    from dsaudit.audit import Audit


def task_is_registered(audit: Audit) -> Found:
    """Every worker that answers knows the task.

    why: a worker throws a message away whose task it does not know, and nothing else tells of it
    requirement: BS0, BS2
    severity: critical
    needs: worker
    instant: now
    key: task, worker
    show: task, worker, knows
    explains: requested_sync_ran, direct_task_completes, bad_record_stops_nothing, second_sync_writes_nothing,
        second_sync_counts_nothing_new, concurrent_syncs_write_once, killed_sync_is_made_up_for,
        sync_fires_by_itself, sync_fires_on_schedule, failure_is_logged_and_survived, flag_off_skips_the_task
    remedy: let the application import the module of the task (`imports`, `include`, autodiscovery), restart the workers
    """
    given = audit.parameters.worker
    assert given
    try:
        with connected(audit.parameters) as broker:
            registered = broker.registered()
    except BrokerError as error:
        return frames([], [{"examined": 0, "reason": str(error)}])
    rows = [
        {"task": given.task, "worker": name, "knows": ", ".join(_own(tasks)[:5]) or "no task of an application"}
        for name, tasks in sorted(registered.items())
        if given.task not in {one.split(" ")[0] for one in tasks}
    ]
    reason = None if registered else "no worker answers"
    return frames(rows, [{"examined": len(registered), "reason": reason}])


def _own(tasks: list[str]) -> list[str]:
    return sorted(one for one in tasks if not one.startswith("celery."))


def direct_task_completes(audit: Audit) -> Found:
    """The task runs to its end when it is sent to the workers.

    why: without API and schedule in between, what fails here is the sync itself
    requirement: BS2
    severity: critical
    needs: worker, syncs
    instant: now
    acts: it sends the task to the workers
    key: task_id
    show: task_id, outcome
    explains: requested_sync_ran
    remedy: read the worker's log for the task, mend the cause, and send it again
    """
    return judged(acts.sent(audit))


def bad_record_stops_nothing(audit: Audit) -> Found:
    """One record that cannot be taken is told, and the sync goes on with those after it.

    why: a sync that stops at one bad record never gets past it again, and all that come after it are lost
    requirement: BS5
    severity: high
    needs: worker, syncs, bad_record
    instant: now
    acts: it lets the source serve one record that cannot be taken, for one sync
    key: wrong
    show: wrong, outcome
    remedy: catch what a single record raises, count and log it with its id, and go on with the next
    """
    one = disturbances.bad_record(audit)
    if one is None or one["problem"]:
        return frames([], [{"examined": 0, "reason": NOT_DONE if one is None else one["problem"]}])
    during, after = one["during"], one["after"]
    rows: list[Row] = []
    if during["outcome"] != "success":
        rows.append({"wrong": "the sync did not end well", "outcome": during["outcome"]})
    else:
        run, usual = during["run"], after["run"] or {}
        # What the sync after it calls new may have come meanwhile.
        taken, due = _taken(run, "added", "updated", "skipped"), _taken(usual, "updated", "skipped")
        if taken is not None and due is not None and taken < due:
            rows.append({"wrong": "records after it were left out", "outcome": "success", "taken": taken, "due": due})
        if run.get("failed") == 0:
            rows.append({"wrong": "the record is counted nowhere", "outcome": "success"})
    limits = [f"to be undone by hand: {what}" for what in one["left"]]
    found, examined = frames(rows, [{"examined": 1, "reason": "; ".join(limits) or None}])
    examined.attrs["limits"] = limits
    return found, examined


def _taken(run: Row, *names: str) -> int | None:
    figures = [run.get(name) for name in names]
    return None if None in figures else sum(int(one) for one in figures if one is not None)
