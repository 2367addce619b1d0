"""What a run does to a scheduled sync where it may: each is done once, and what was seen of it is kept."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from dsaudit.background import calls, rows
from dsaudit.background.broker import Broker, BrokerError, connected
from dsaudit.background.kept import Seen, seen
from dsaudit.background.queueing import Queued, by_api, current, direct, together, until

if TYPE_CHECKING:
    from dsaudit.audit import Audit
    from dsaudit.progress import Progress

BEGINNING = 20.0  # seconds within which a sync that is to be killed has to be at work
TRIES = 5  # of killing one that ends before it is
MEETINGS = 3  # tries of a sync that should write nothing, where a run of somebody else's meets it
QUICKER = "the sync had ended before it could be killed"
GONE = 10.0  # seconds within which it has to be gone then
MOST = 1000  # rows of one act that are kept


def requested(audit: Audit) -> Seen | None:
    """Ask the API for a sync: what it answered and what came of the run, as `Queued` has it."""
    return seen(audit, "requested", lambda audit, progress: by_api(audit, progress).to_json())


def sent(audit: Audit) -> Seen | None:
    """Send the task to the workers: what came of its run, as `Queued` has it."""
    return seen(audit, "sent", lambda audit, progress: direct(audit, progress).to_json())


def twice(audit: Audit) -> Seen | None:
    """Let two syncs run one after the other, and tell what the second wrote.

    Keys: ``runs`` (both, as `Queued` has them), ``problem`` (why nothing can be told, or None), ``rows`` (how many
    there were after the first), ``written`` (how many the second wrote, or None), ``left_out`` (records that the source
    changed meanwhile), ``found`` (lines as `rows.differences` has them), ``before``, ``after`` (rows and ids of each),
    ``met`` (runs of others that were at work beside the second in every try, if it wrote).
    """
    return seen(audit, "twice", _twice)


def _twice(audit: Audit, progress: Progress) -> Seen:
    """What a run of the schedule writes beside the second sync would pass for the second's: then both run again."""
    for _ in range(MEETINGS):
        one = _one_after_the_other(audit, progress)
        one["met"] = _met(audit, one) if one.get("found") else 0
        if not one["met"]:
            break
    return one


def _one_after_the_other(audit: Audit, progress: Progress) -> Seen:
    start = rows.state(audit)
    first = direct(audit, progress)
    if not first.is_done:
        return {"runs": [first.to_json()], "problem": _why(first, "the first sync")}
    earlier = rows.state(audit)
    second = direct(audit, progress)
    later = rows.state(audit)
    found, left_out = rows.differences(audit, earlier, later, start.at)
    return {
        "runs": [first.to_json(), second.to_json()],
        "problem": None if second.is_done else _why(second, "the second sync"),
        "rows": earlier.rows,
        "written": rows.written(earlier, later),
        "left_out": left_out,
        "found": found[:MOST],
        "more": max(0, len(found) - MOST),
        "before": rows.figures(earlier),
        "after": rows.figures(later),
    }


def _met(audit: Audit, one: Seen) -> int:
    """Return how many other runs were at work since the first of two had ended; 0 where the history tells no ids."""
    first, second = one["runs"]
    own, since = {first["task_id"], second["task_id"]}, datetime.fromisoformat(first["run"]["ended_at"])
    others = [run for run in current(audit) if run["task_id"] and run["task_id"] not in own]
    return sum(run["state"] != "skipped" and (run["ended_at"] is None or run["ended_at"] >= since) for run in others)


def at_once(audit: Audit) -> Seen | None:
    """Let two syncs run at the same time, and tell which keys have more rows than before.

    Keys as `twice` has them, ``added`` (how many records are new in the tables) and ``lacking`` (why the source was not
    given a new one, or None).
    """
    return seen(audit, "at_once", _at_once)


def _at_once(audit: Audit, progress: Progress) -> Seen:
    earlier = rows.state(audit)
    try:
        with connected(audit.parameters) as broker:
            room = broker.room()
            lacking = _with_something_new(audit)
            queued = together(audit, progress, 2, broker)
    except BrokerError as error:
        return {"runs": [], "problem": str(error)}
    later = rows.state(audit)
    found, left_out = rows.differences(audit, earlier, later, earlier.at)
    problem = next((_why(one, "one of the two") for one in queued if one.outcome not in ("success", "failed")), None)
    if all(one.outcome == "failed" for one in queued):
        problem = "both of the two failed"
    if room is not None and room < 2:
        problem = "the workers have room for one task alone, so two never run at once"
    return {
        "runs": [one.to_json() for one in queued],
        "problem": problem,
        "rows": later.rows,
        "added": rows.added(earlier, later),
        "lacking": lacking,
        "left_out": left_out,
        "found": _again(found),
        "before": rows.figures(earlier),
        "after": rows.figures(later),
    }


def killed(audit: Audit) -> Seen | None:
    """Kill the process that is in the middle of a sync, and let another sync run after it.

    Keys: ``problem``, ``killed`` (the run that was killed, as the history has it in the end, or None), ``after`` (the
    run after it, as `Queued` has it), ``found`` (rows that vanished or were inserted again), ``added`` and ``lacking``
    as `at_once` has them.
    """
    return seen(audit, "killed", _killed)


def _killed(audit: Audit, progress: Progress) -> Seen:
    earlier = rows.state(audit)
    try:
        with connected(audit.parameters) as broker:
            broker.workers()  # which takes a second, in which a sync may end
            for number in range(TRIES):
                lacking = _with_something_new(audit)
                task_id = broker.send()
                progress("waiting for the sync that is to be killed to begin")
                problem = _why_alive(audit, broker, task_id, tells_beginning=number < TRIES // 2)
                if problem != QUICKER:
                    break
    except BrokerError as error:
        problem = str(error)
    if problem:
        return {"problem": problem}
    after = direct(audit, progress)
    later = rows.state(audit)
    found, left_out = rows.differences(audit, earlier, later, earlier.at)
    left = _run_of(audit, task_id)
    return {
        "problem": None if after.outcome != "unreached" else after.told,
        "killed": None if left is None else {"state": left["state"], "error": left["error"]},
        "after": after.to_json(),
        "rows": later.rows,
        "added": rows.added(earlier, later),
        "lacking": lacking,
        "left_out": left_out,
        "found": _again(found, "vanished"),
    }


def _why_alive(audit: Audit, broker: Broker, task_id: str, tells_beginning: bool) -> str | None:
    """Kill the process that is at a task, as soon as one is; return why it was not killed in the middle, or None.

    A task that a worker has may still wait for another's lock. That the sync has begun is told by the history, unless
    that has a line only when it has ended.
    """
    if not until(
        BEGINNING, lambda: _has_begun(audit, task_id) or (not tells_beginning and _is_active(broker, task_id))
    ):
        return "the sync that was to be killed was not seen at work"
    broker.kill(task_id)
    is_gone = until(GONE, lambda: not _is_active(broker, task_id))
    if _has_ended(audit, task_id):
        return QUICKER
    return None if is_gone else "the sync could not be killed: the worker's pool has no process for each task"


def _with_something_new(audit: Audit) -> str | None:
    """Let the source have a new record, as the file says how; return why it has none, or None."""
    if audit.parameters.new_record is None:
        return "the file does not say how the source gets one, as `new_record`"
    answered = calls.act(audit.parameters, audit.parameters.new_record)
    return None if answered.is_done else f"new_record: {answered.told}"


def _again(found: list[Seen], *kinds: str) -> list[Seen]:
    """Return the lines of rows that were inserted again, or are of these kinds; what came first may just be new."""
    return [one for one in found if one["kind"] in ("inserted again", *kinds)][:MOST]


def _has_begun(audit: Audit, task_id: str) -> bool:
    return _run_of(audit, task_id) is not None


def _has_ended(audit: Audit, task_id: str) -> bool:
    run = _run_of(audit, task_id)
    return run is not None and run["state"] in ("success", "failed")


def _is_active(broker: Broker, task_id: str) -> bool:
    return any(one.get("id") == task_id for tasks in broker.active().values() for one in tasks)


def _run_of(audit: Audit, task_id: str) -> dict[str, object] | None:
    return next((run for run in current(audit) if run["task_id"] == task_id), None)


def _why(queued: Queued, which: str) -> str:
    """Return why nothing can be told of what followed a sync that did not end well."""
    words = {
        "failed": "failed",
        "skipped": "was skipped",
        "running": "did not end",
        "waiting": "was not begun",
        "silent": "was taken by no worker",
        "refused": f"was refused ({queued.told})",
        "unreached": f"could not be queued: {queued.told}",
    }
    return f"{which} {words[queued.outcome]}"
