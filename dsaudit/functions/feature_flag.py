"""Test 7: does the feature flag stop the API and the task, as the running processes see it?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsaudit.background import disturbances, kept
from dsaudit.functions import Found, Row, frames
from dsaudit.functions._queued import NOT_DONE

if TYPE_CHECKING:
    from dsaudit.audit import Audit
    from dsaudit.background.kept import Seen


def flag_off_refuses_the_request(audit: Audit) -> Found:
    """With the flag off, the API refuses a sync.

    why: a flag that is turned off in an emergency has to close every door
    requirement: BS7
    severity: critical
    needs: api.sync, flag.off, flag.on, flag.shown
    instant: now
    acts: it turns the feature flag off, and on again
    key: told
    show: told, wanted, outcome
    remedy: let the route look at the flag first, and refuse with a reason
    """
    one = disturbances.flag_off(audit)
    if why := _unknown(one, "requested"):
        return frames([], [{"examined": 0, "reason": why}])
    assert one and audit.parameters.api
    status = one["requested"]["status"]
    is_refused = status in audit.parameters.api.refused
    wanted = " or ".join(map(str, audit.parameters.api.refused))
    row = {"told": one["requested"]["told"], "wanted": wanted, "outcome": one["requested"]["outcome"]}
    return frames([] if is_refused else [row], [{"examined": 1}])


def flag_off_skips_the_task(audit: Audit) -> Found:
    """With the flag off, the task does nothing and says so.

    why: the schedule does not ask the API; a task that does not look at the flag goes on when it is off
    requirement: BS7
    severity: critical
    needs: worker, syncs.columns.state, flag.off, flag.on, flag.shown
    instant: now
    acts: it turns the feature flag off, and on again
    key: wrong
    show: wrong, outcome
    remedy: let the task look at the flag first, record a run that was skipped, and log why
    """
    one = disturbances.flag_off(audit)
    if why := _unknown(one, "sent"):
        return frames([], [{"examined": 0, "reason": why}])
    assert one
    outcome = one["sent"]["outcome"]
    rows: list[Row] = []
    if outcome in ("success", "failed", "running"):
        rows.append({"wrong": "the sync ran", "outcome": outcome})
    elif outcome == "silent" and "skipped" not in (one["logged"] or []):
        rows.append({"wrong": "nothing says that it was skipped", "outcome": outcome})
    if one["wrote"]:
        rows.append({"wrong": "rows were written with the flag off", "rows": len(one["wrote"])})
    why = "the task was sent, and no worker has begun it" if outcome == "waiting" else None
    return frames(rows, [{"examined": 0 if why else 1, "reason": why}])


def flag_is_seen_by_every_process(audit: Audit) -> Found:
    """The API and the workers see the flag as it is, turned off and turned on again.

    why: a variable that is changed reaches a process that is started anew, and none that is merely restarted
    requirement: BS7
    severity: high
    needs: flag.off, flag.on, flag.shown
    instant: now
    acts: it turns the feature flag off, and on again
    key: process, turned
    show: process, turned, shown
    explains: flag_off_refuses_the_request, flag_off_skips_the_task
    remedy: create the processes anew with the changed variable (`docker compose up -d`, and not `restart`)
    """
    one = disturbances.flag_off(audit)
    if one is None:
        return frames([], [{"examined": 0, "reason": NOT_DONE}])
    if "off" not in one:
        return frames([], [{"examined": 0, "reason": one["problem"]}])
    flag, rows, looked = audit.parameters.flag, list[Row](), 2
    assert flag
    for turned, shown in (("off", one["off"]), ("on", one["restored"] if one["found"] == "on" else None)):
        if shown and shown != turned:
            rows.append({"process": "API", "turned": turned, "shown": shown})
    run = (one.get("sent") or {}).get("run") or {}
    if run.get("flag") is not None:
        looked += 1
        if flag.is_on(run["flag"]):
            rows.append({"process": "worker", "turned": "off", "shown": "on"})
    why = None if one["found"] == "on" else "the flag was found off, so nothing tells whether it would be seen on"
    return frames(rows, [{"examined": looked, "reason": why}])


def flag_is_left_as_found(audit: Audit) -> Found:
    """After the audit the flag is as it was found.

    why: an audit that leaves a sync turned off does what it is to prevent
    requirement: BS7, BS8
    severity: critical
    needs: flag.off, flag.on, flag.shown
    instant: now
    acts: it turns the feature flag off, and on again
    key: found
    show: found, shown_now, told
    remedy: turn the flag by hand
    """
    one = disturbances.flag_off(audit)
    if one is None or "found" not in one:
        return frames([], [{"examined": 0, "reason": NOT_DONE if one is None else one["problem"]}])
    now = disturbances.shown(audit) if not kept.is_replay(audit) else one["restored"]
    told = "; ".join(one["left"]) or None
    row = {"found": one["found"], "shown_now": now or "not shown", "told": told}
    return frames([row] if now != one["found"] or told else [], [{"examined": 1}])


def _unknown(one: Seen | None, what: str) -> str | None:
    """Return why nothing can be said of what was done with the flag off, or None."""
    if one is None:
        return NOT_DONE
    if one["problem"]:
        return str(one["problem"])
    told = one.get(what)
    if told is None or told["outcome"] == "unreached":
        return told["told"] if told else "it was not done"
    return None
