"""Whether the schedule begins a sync each time that one is due, by the history of the runs and by the calendar."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from dsaudit.background import firing
from dsaudit.background.crontab import CrontabError, clock_changes, parsed
from dsaudit.background.runs import DAYS, by_schedule, runs
from dsaudit.functions import Found, Row, frames
from dsaudit.verdict.card import plural

if TYPE_CHECKING:
    from dsaudit.audit import Audit

UNTOLD = "the history does not tell what began a run (syncs.columns.trigger)"
AHEAD = 400  # days that are looked at for a change of the clocks: a year, and both of its changes


def sync_fires_on_schedule(audit: Audit) -> Found:
    """The schedule begins a sync each time that one is due, once.

    why: a sync that does not come leaves the table as it is without a word, and one that comes twice works against
        itself
    requirement: BS4
    severity: high
    scope: tenant, resource
    minimum: 3
    having: sync
    needs: syncs, schedule
    key: kind, from
    show: kind
    explains: last_sync_is_recent
    remedy: see that one scheduler runs, and only one, with the interval that is documented; and that workers are there
        to take what it queues
    """
    schedule = audit.parameters.schedule
    assert schedule is not None
    history = runs(audit)
    tells = audit.parameters.syncs is not None and "trigger" in audit.parameters.syncs.columns
    rows: list[Row] = []
    examined: list[Row] = []
    for tenant in audit.parameters.tenant_names:
        for resource, declared in audit.parameters.resources.items():
            if declared.sync:
                own = history[(history["tenant"] == tenant) & (history["resource"] == resource)]
                starts = list(by_schedule(audit, own)["started_at"])
                scope: Row = {"tenant": tenant, "resource": resource}
                found, reason = firing.judged(schedule, starts, own, datetime.fromisoformat(audit.instant))
                told = None if len(starts) > 1 else f"the schedule began {plural(len(starts), 'run')} in {DAYS} days"
                doubles = [one for one in found if one.kind == "double"]
                if doubles and not tells:
                    found = [one for one in found if one.kind != "double"]
                    told = f"{plural(len(doubles), 'run')} came between the times of the schedule, and {UNTOLD}"
                rows += [{**scope, **_row(one)} for one in found]
                examined.append({**scope, "examined": len(starts), "reason": reason or told})
    judged = frames(rows, examined)
    judged[1].attrs["limits"] = [] if tells else [f"{UNTOLD}: one begun by hand counts too"]
    return judged


def _row(found: firing.Finding) -> Row:
    told: Row = {"kind": found.kind, "from": found.begin, "to": found.end}
    return {**told, "missed": found.missed, "seconds": found.seconds}


def schedule_survives_clock_changes(audit: Audit) -> Found:
    """No change of the clocks leaves a scheduled sync out, or begins it twice.

    why: a nightly job at half past two has no such time in one night of the year, and two in another
    requirement: BS4
    severity: low
    needs: schedule
    key: at
    show: kind, what, at, zone
    remedy: let the schedule be at an hour at which no clock changes, or by UTC
    """
    schedule = audit.parameters.schedule
    assert schedule is not None
    if schedule.crontab is None:
        return frames([], [{"examined": 1}])
    try:
        crontab = parsed(schedule.crontab)
    except CrontabError as error:
        return frames([], [{"examined": 0, "reason": f"schedule.crontab: {error}"}])
    zone, begin = ZoneInfo(schedule.zone), datetime.fromisoformat(audit.instant)
    rows: list[Row] = [
        {"kind": "clock_change", "at": f"{one.at:%Y-%m-%d %H:%M}", "zone": schedule.zone, "what": one.what}
        for one in clock_changes(crontab, zone, begin, AHEAD)
    ]
    return frames(rows, [{"examined": AHEAD}])
