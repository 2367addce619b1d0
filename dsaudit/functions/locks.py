"""What a migration costs while others work: how long it locks them out, and how quick inserts are afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsaudit.facts import migrations as facts
from dsaudit.functions import Found, Row, frames
from dsaudit.wording import span

if TYPE_CHECKING:
    from dsaudit.audit import Audit

MOST_SAID = 20


def migrations_lock_briefly(audit: Audit) -> Found:
    """Each revision locks others out of a table as large as the audited one no longer than the file allows.

    why: while a table is written anew or read whole under a lock, every request that needs it waits
    requirement: PI3
    severity: high
    needs: migrations
    key: revision, table, lock
    show: revision, table, lock, shuts_out, work, measured, rows, extrapolated
    explains: models_match_the_migrated_schema, database_matches_the_migrated_schema
    remedy: make indexes concurrently; add a constraint as not valid and validate it in a later revision; change rows in
      portions; give a new column a constant default instead of writing the table anew
    """
    found, settings = facts.locks(audit), audit.parameters.migrations
    budget = settings.lock_seconds if settings else 0.0
    rows: list[Row] = [
        {"revision": one.revision, "table": one.table, "lock": one.name, "shuts_out": one.shuts_out, "work": one.work,
         "measured": ", ".join(f"{span(took)} with {size:,} rows" for size, took in one.seconds.items()),
         "rows": one.rows, "extrapolated": span(one.extrapolated)}
        for one in found.locks
        if one.extrapolated > budget
    ]  # fmt: skip
    examined = len(found.tried) - len(found.untried)
    longest = max((one.extrapolated for one in found.locks), default=None)
    reason = "; ".join(f"{name}: {why}" if name else why for name, why in found.untried.items()) or None
    line: Row = {"examined": max(examined, 0), "unit": "s (longest)", "threshold": budget, "reason": reason}
    judged = frames(rows, [line | ({} if longest is None else {"value": round(longest, 3)})])
    judged[1].attrs["limits"] = list(dict.fromkeys(found.limits))[:MOST_SAID]
    return judged


def inserts_are_quick(audit: Audit) -> Found:
    """After all revisions an insert takes no longer than the file allows, table by table.

    why: every index and trigger that a revision adds is paid for by each insert
    requirement: PI3
    severity: low
    needs: migrations
    key: table
    show: table, milliseconds, inserts
    remedy: see which index or trigger of the table is not needed, or costs too much
    """
    found, settings = facts.used(audit), audit.parameters.migrations
    budget = settings.insert_milliseconds if settings else 0.0
    timed = [one for one in found.inserts if one.milliseconds is not None]
    rows: list[Row] = [
        {"table": one.table, "milliseconds": f"{one.milliseconds:.2f}", "inserts": one.count}
        for one in timed
        if one.milliseconds is not None and one.milliseconds > budget
    ]
    untried = [one.untried for one in found.inserts if one.untried]
    reason = found.problem or (None if timed else "; ".join(untried[:3]) or "there is no table")
    slowest = max((one.milliseconds or 0.0 for one in timed), default=None)
    line: Row = {"examined": sum(one.count for one in timed), "unit": "ms an insert (slowest table)"}
    line |= {"threshold": budget, "reason": reason} | ({} if slowest is None else {"value": round(slowest, 3)})
    judged = frames(rows, [line])
    judged[1].attrs["limits"] = [*untried[:MOST_SAID], *found.limits[:MOST_SAID]]
    return judged
