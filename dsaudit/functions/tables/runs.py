"""Tables of a sync that runs in the background: its latest runs, how many came when, and what they left."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pandas as pd
from psycopg import sql as names

from dsaudit.background import firing
from dsaudit.background.runs import by_schedule, runs
from dsaudit.database.expressions import field_column
from dsaudit.functions import Row
from dsaudit.verdict.masking import is_word

if TYPE_CHECKING:
    from dsaudit.audit import Audit

LATEST = 20
HOURS = 48  # up to which runs are counted by the hour, and beyond it by the day
MOST_VALUES = 50  # by which the rows of one resource are counted
STATES = ("success", "failed", "skipped", "running", "other")
COUNTED = (
    "select {columns}, count(*) as rows from {{refined}} as f where not deleted group by {places} order by {order}"
)


def run_history(audit: Audit) -> pd.DataFrame:
    """The latest runs of the sync, the newest first.

    needs: syncs
    key: started_at
    show: resource, trigger, state
    """
    found = runs(audit, most=LATEST)
    if not len(found):
        return pd.DataFrame()
    took = [_seconds(run["started_at"], run["ended_at"]) for run in found.to_dict("records")]
    seconds = pd.Series(took, index=found.index, dtype=object)
    words = [one if one is None or is_word(one) else "another" for one in found["trigger"]]
    trigger = pd.Series(words, index=found.index, dtype=object)
    shown = found.assign(seconds=seconds, trigger=trigger).iloc[::-1].reset_index(drop=True)
    columns = ["tenant", "resource", "started_at", "trigger", "state", "seconds"]
    columns += ["fetched", "added", "updated", "skipped", "failed"]
    return shown[columns].astype(object)


def _seconds(begin: datetime, end: datetime | None) -> float | None:
    return None if end is None else round((end - begin).total_seconds(), 3)


def runs_over_time(audit: Audit) -> pd.DataFrame:
    """Runs in each hour, or in each day where the history is longer, by what became of them.

    needs: syncs
    key: time
    """
    found = runs(audit)
    if not len(found):
        return pd.DataFrame()
    begun = pd.to_datetime(found["started_at"], utc=True)
    unit = "h" if begun.max() - begun.min() <= timedelta(hours=HOURS) else "D"
    counted = pd.crosstab(begun.dt.floor(unit), found["state"]).reindex(columns=list(STATES), fill_value=0)
    sums = found.groupby(begun.dt.floor(unit))[["fetched", "added", "updated"]].sum(min_count=1)
    whole = counted.join(sums).rename_axis(index="time").reset_index()
    return whole.astype(object).where(whole.notna(), None)


def scheduled_runs(audit: Audit) -> pd.DataFrame:
    """Each start of the schedule, the pause before it, and what is wrong with it; see `plots.schedule`.

    having: sync
    needs: syncs, schedule
    key: started_at
    show: resource, kind
    """
    schedule = audit.parameters.schedule
    assert schedule is not None
    until, history = datetime.fromisoformat(audit.instant), runs(audit)
    rows: list[Row] = []
    for (tenant, resource), own in history.groupby(["tenant", "resource"]) if len(history) else []:
        starts = list(by_schedule(audit, own)["started_at"])
        found, _ = firing.judged(schedule, starts, own, until)
        rows += [{"tenant": tenant, "resource": resource, **row} for row in _pauses(starts, found, until)]
    given = {"interval_seconds": schedule.seconds, "tolerance_percent": schedule.tolerance_percent, "until": until}
    return pd.DataFrame(rows, dtype=object).assign(**given) if rows else pd.DataFrame()


def _pauses(starts: Iterable[datetime], found: Iterable[firing.Finding], until: datetime) -> Iterator[Row]:
    """Yield each start with the pause since the one before; one that came twice is no beginning of the next pause."""
    wrong = {one.end: one for one in found if one.kind != "drift"}
    before: datetime | None = None
    for start in [*starts, *([None] if None in wrong else [])]:
        one = wrong.get(start)
        kind = one.kind if one else None
        if before is not None:
            pause = ((start or until) - (one.begin if one and kind == "double" else before)).total_seconds()
            told: Row = {"started_at": start, "from": before, "pause_seconds": round(pause, 3), "kind": kind}
            yield {**told, "missed": one.missed if one else None}
        before = before if kind == "double" else start


def counts_by_type_and_status(audit: Audit) -> pd.DataFrame:
    """Refined rows by the columns that `counted_by` names, such as type and status.

    having: counted_by
    key: resource
    show: resource, counted
    """
    rows: list[Row] = []
    for name, resource in audit.parameters.resources.items():
        fields = resource.counted_by
        if not fields:
            continue
        columns = [names.Identifier(field_column(field)).as_string(None).replace("%", "%%") for field in fields]
        places = ", ".join(str(place + 1) for place in range(len(columns)))
        query = COUNTED.format(columns=", ".join(columns), places=places, order=places)
        found = audit.query(query, {"resource": name})
        for place, record in enumerate(found.to_dict("records")):
            said = ", ".join(f"{field}: {_word(record[field_column(field)])}" for field in fields)
            if place < MOST_VALUES:
                rows.append({"resource": name, "counted": said, "rows": int(record["rows"])})
        if len(found) > MOST_VALUES:
            more = f"{len(found) - MOST_VALUES} more"
            rows.append({"resource": name, "counted": more, "rows": int(found["rows"][MOST_VALUES:].sum())})
    return pd.DataFrame(rows, dtype=object)


def _word(value: object) -> str:
    return "none" if value is None or pd.isna(value) else str(value)  # type: ignore[call-overload]
