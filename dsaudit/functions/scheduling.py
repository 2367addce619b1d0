"""Test 4: is the sync in the schedule, and does the schedule start it by itself?"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from dsaudit.background import queueing, schedule
from dsaudit.background.broker import BrokerError, connected
from dsaudit.background.kept import Seen, seen
from dsaudit.functions import Found, Row, frames
from dsaudit.functions._queued import NOT_DONE
from dsaudit.wording import span

if TYPE_CHECKING:
    from dsaudit.audit import Audit
    from dsaudit.codebase import Code
    from dsaudit.parameters.schedule import Schedule
    from dsaudit.progress import Progress

LONGEST = 800.0  # seconds; the cell that waits has 900
MARGIN = 5.0  # seconds that a run may need to stand in the history


def schedule_has_the_entry(audit: Audit) -> Found:
    """The schedule has the entry, for the task, and as often as documented.

    why: without its entry, or with another rhythm, nothing is broken that anybody would see
    requirement: BS4
    severity: critical
    needs: schedule, worker
    instant: now
    key: entry, wrong
    show: entry, wrong, there, wanted, where
    explains: sync_fires_by_itself, sync_fires_on_schedule, last_sync_is_recent
    remedy: put the entry into the beat's configuration with the name, task and interval that are documented
    """
    given, worker = audit.parameters.schedule, audit.parameters.worker
    assert given and worker
    try:
        found = schedule.entries(audit.parameters, _code(audit), audit.database.now())
    except (schedule.ScheduleError, BrokerError) as error:
        return frames([], [{"examined": 0, "reason": str(error)}])
    own = [one for one in found if one.name == given.entry]
    if not own:
        others = sorted(one.name for one in found if one.task == worker.task)
        there = f"the task is in it as {', '.join(others)}" if others else f"{len(found)} other entries"
        return frames([{"entry": given.entry, "wrong": "not in the schedule", "there": there}], [{"examined": 1}])
    rows: list[Row] = []
    reasons: list[str] = []
    for one in own:
        if one.task != worker.task:
            rows.append(_row(one, "another task", one.task, worker.task))
        if not one.is_enabled:
            rows.append(_row(one, "turned off", "never fires", _often(given)))
        if (is_right := schedule.is_as_documented(one, given)) is None:
            reasons.append(f"how often it fires cannot be told: {one.where}")
        elif not is_right:
            rows.append(_row(one, "another interval", _often(one), _often(given)))
    more = sorted({one.name for one in found if one.task == worker.task and one.name != given.entry and one.is_enabled})
    rows += [{"entry": name, "wrong": "a second entry for the task"} for name in more]
    return frames(rows, [{"examined": len(own), "reason": "; ".join(reasons) or None}])


def _code(audit: Audit) -> Code | None:
    given = audit.parameters.schedule
    return audit.code if given and given.from_ == "code" else None


def _often(one: schedule.Entry | Schedule) -> str:
    return one.crontab or span(one.seconds or 0)


def _row(one: schedule.Entry, wrong: str, there: str, wanted: str | None) -> Row:
    return {"entry": one.name, "wrong": wrong, "there": there, "wanted": wanted, "where": one.where}


def sync_fires_by_itself(audit: Audit) -> Found:
    """The schedule starts the sync by itself while somebody watches.

    why: an entry says what should happen; a beat that does not run, or runs on an old file, starts nothing
    requirement: BS4
    severity: critical
    needs: schedule.seconds, syncs
    instant: now
    key: wrong
    show: wrong, waited, began
    explains: last_sync_is_recent
    remedy: see that one beat process runs, and read its log
    """
    given = audit.parameters.schedule
    assert given and given.seconds
    if given.cycles * given.seconds > LONGEST:
        wait = span(given.cycles * given.seconds)
        reason = f"{given.cycles} cycles take {wait}, longer than is waited; sync_fires_on_schedule judges the history"
        return frames([], [{"examined": 0, "reason": reason}])
    one = seen(audit, "watched", _watched)
    if one is None:
        return frames([], [{"examined": 0, "reason": NOT_DONE}])
    if one["begun"] >= given.cycles:
        return frames([], [{"examined": one["begun"]}])
    if why := _why_not_taken(audit):
        return frames([], [{"examined": 0, "reason": why}])
    began = f"{one['begun']} of {given.cycles}"
    return frames([{"wrong": "not started in time", "waited": span(one["waited"]), "began": began}], [{"examined": 1}])


def _watched(audit: Audit, progress: Progress) -> Seen:
    """Wait until the schedule has started the sync as often as wanted, or should have."""
    given = audit.parameters.schedule
    assert given and given.seconds
    known = {queueing.key(run) for run in queueing.current(audit)}
    begun, latest = time.monotonic(), given.seconds * (given.cycles + given.tolerance_percent / 100) + MARGIN
    while True:
        new = [run for run in queueing.current(audit) if queueing.key(run) not in known and _is_scheduled(audit, run)]
        waited = time.monotonic() - begun
        if len(new) >= given.cycles or waited > latest:
            return {"begun": len(new), "waited": round(waited, 1)}
        progress(f"watching the schedule, {len(new)} of {given.cycles} runs, {span(waited)} of {span(latest)}")
        time.sleep(queueing.PAUSE)


def _why_not_taken(audit: Audit) -> str | None:
    """Return why nothing could begin, whatever the schedule did, or None."""
    if audit.parameters.worker is None:
        return None
    try:
        with connected(audit.parameters) as broker:
            return None if broker.workers() else "no worker answers, which would take what the schedule queues"
    except BrokerError as error:
        return str(error)


def _is_scheduled(audit: Audit, run: dict[str, Any]) -> bool:
    """Return whether the schedule has started a run; where the history does not tell, any may be."""
    syncs = audit.parameters.syncs
    return syncs is None or "trigger" not in syncs.columns or run["trigger"] in syncs.scheduled
