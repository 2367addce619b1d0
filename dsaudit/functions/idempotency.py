"""Test 3: does a sync that runs again, twice at once, or after one that was killed, leave the tables as they are?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dsaudit.background import acts, rows
from dsaudit.background.kept import Seen
from dsaudit.database import RelationMissing
from dsaudit.facts.schema.indexes import is_unique, unique_indexes
from dsaudit.functions import Found, Row, frames
from dsaudit.functions._queued import NOT_DONE
from dsaudit.verdict.card import plural

if TYPE_CHECKING:
    from dsaudit.audit import Audit


def second_sync_writes_nothing(audit: Audit) -> Found:
    """A sync that runs again right after another adds, changes and removes nothing.

    why: a schedule runs it for years; what one run too many adds, it adds every few seconds
    requirement: BS3
    severity: critical
    needs: worker, syncs
    instant: now
    acts: it lets the task run twice, one after the other
    key: tenant, resource, source_id, kind
    show: kind
    explains: one_refined_row_per_source_id, second_sync_counts_nothing_new, concurrent_syncs_write_once,
        killed_sync_is_made_up_for
    remedy: put a unique constraint on the source's id and write with `on conflict`, or compare before writing
    """
    one = acts.twice(audit)
    return _judged(one, _said(one))


def _said(one: Seen | None) -> list[str]:
    """Return in sentences what the second sync did beside the rows that are judged."""
    if one is None or one["problem"]:
        return []
    written, left_out, total = one["written"], one["left_out"], one["rows"]
    told = [] if written is None else [f"the second sync wrote {written:,} of {total:,} rows, equal ones included"]
    changed = f"{plural(left_out, 'record')} changed at the source meanwhile and {'is' if left_out == 1 else 'are'}"
    beside = plural(one["met"], "other run was", "other runs were") if one.get("met") else ""
    return [
        *told,
        *([f"{changed} left out"] if left_out else []),
        *([f"{beside} at work beside the second sync, in every try; what it wrote counts too"] if beside else []),
    ]


def second_sync_counts_nothing_new(audit: Audit) -> Found:
    """The second of two syncs says that it found nothing new, and skipped what it knew.

    why: who reads the counts of a sync has to see that nothing was new, and that the records were looked at
    requirement: BS3
    severity: high
    needs: worker, syncs.columns.added, syncs.columns.skipped
    instant: now
    acts: it lets the task run twice, one after the other
    key: wrong
    show: wrong, added, skipped, fetched
    remedy: count a record as new where a row was added, and as skipped where it was the same
    """
    one = acts.twice(audit)
    if one is None or one["problem"]:
        return frames([], [{"examined": 0, "reason": NOT_DONE if one is None else one["problem"]}])
    run = one["runs"][1]["run"]
    figures = {name: run.get(name) for name in ("added", "skipped", "fetched")}
    wrong = [
        *(["new records were counted"] if (figures["added"] or 0) > one["left_out"] else []),
        *(["no count of what was new"] if figures["added"] is None else []),
        *(["nothing was skipped"] if not figures["skipped"] and one["rows"] else []),
    ]
    return frames([{"wrong": told, **figures} for told in wrong], [{"examined": 1}])


def concurrent_syncs_write_once(audit: Audit) -> Found:
    """Two syncs at the same time write each record once.

    why: a request meets the schedule, or a long run the next one; two that look before they write both write
    requirement: BS3
    severity: critical
    needs: worker, syncs
    instant: now
    acts: it lets the task run twice at once
    key: tenant, resource, source_id, kind
    show: kind
    explains: one_refined_row_per_source_id
    remedy: let a lock keep the second waiting, and a unique constraint refuse what slips through
    """
    one = acts.at_once(audit)
    failed = sum(run["outcome"] == "failed" for run in one["runs"]) if one else 0
    limits = ["one of the two syncs failed"] if failed == 1 else []
    if not (why := _nothing_new(one)):
        return _judged(one, limits)
    if _keys_are_unique(audit):
        return _judged(one, [*limits, f"{why}; a unique index keeps any two from inserting the same one"])
    return _judged(one, limits, reason=f"{why}, and no unique index keeps two from inserting the same one")


def _keys_are_unique(audit: Audit) -> bool:
    """Return whether a unique index keeps every synced record from standing in its table twice, as it is now."""
    indexes = unique_indexes(audit.database.now())
    synced = (audit.parameters.resources[name] for name in rows.synced(audit))
    try:
        return all(is_unique(indexes, audit.relations.table(one.table), one) for one in synced)
    except RelationMissing:
        return False


def _nothing_new(one: Seen | None) -> str | None:
    """Return that a sync had no record to insert, with the reason, or None where it had."""
    if one is None or one["problem"] or one["added"]:
        return None
    return f"no record was new ({one['lacking'] or 'the one that was made at the source has not come'})"


def killed_sync_is_made_up_for(audit: Audit) -> Found:
    """A sync whose process is killed in the middle is made up for by the next one, and is told as not completed.

    why: a deployment, or too little memory, ends a sync at any record; its lock and its half must not stay
    requirement: BS3
    severity: high
    needs: worker, syncs.columns.task_id, syncs.columns.state
    instant: now
    acts: it kills the process of a worker that is in the middle of a sync
    key: tenant, resource, source_id, kind
    show: kind
    remedy: hold the lock in the database session, so that it goes with the process; end runs that nobody works at
    """
    one = acts.killed(audit)
    if one is None or one["problem"]:
        return _judged(one, [])
    found: list[Row] = []
    after, left = one["after"], one["killed"]
    if after["outcome"] != "success":
        found.append({"kind": f"the next sync did not end well ({after['outcome']})"})
    if left and left["state"] == "running":
        found.append({"kind": "still told as running after the next sync"})
    if left and left["state"] == "success":
        found.append({"kind": "told as a success"})
    limits = [] if left else ["the history has no line of the killed run, which so is told as nothing"]
    if why := _nothing_new(one):
        limits.append(f"{why}: the killed sync had nothing to lose")
    return _judged(one, limits, found)


def _judged(one: Seen | None, limits: list[str], more: list[Row] | None = None, reason: str | None = None) -> Found:
    """Return the rows that an act found, and how many it looked at, with the reason why that proves too little."""
    if one is None or one["problem"]:
        return frames([], [{"examined": 0, "reason": NOT_DONE if one is None else one["problem"]}])
    nothing: dict[str, Any] = dict.fromkeys(("tenant", "resource", "source_id"))
    found, examined = frames(
        [*({**nothing, **row} for row in more or []), *one["found"]],
        [{"examined": one["rows"], "reason": reason}],
    )
    examined.attrs["limits"] = limits
    return found, examined
