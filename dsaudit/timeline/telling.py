"""Tells a record's story: reads its source as sparingly as it can, gathers all sides, and judges it."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from itertools import islice, pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from dsaudit.reconcile import sides
from dsaudit.reconcile.differences import differences
from dsaudit.source import Alone, may_read_one
from dsaudit.source.recording import Recording
from dsaudit.timeline import wrong
from dsaudit.timeline.changes import changes, declared_types, typed_change
from dsaudit.timeline.events import events
from dsaudit.timeline.finding import StoryError, known, near, tops
from dsaudit.timeline.gathering import Record, gather
from dsaudit.timeline.story import Story
from dsaudit.verdict import Status
from dsaudit.verdict.causes import group

if TYPE_CHECKING:
    from dsaudit.audit import Audit


def told(audit: Audit, resource: str, source_id: str = "", tenant: str = "", whole: bool = False) -> Story:
    """Return the story of one record: without an id that of the first that differs, else of the first there is.

    Of several tenants that have the id it is the one with something wrong, and its notes name the others.

    Raises
    ------
    StoryError
        There is no such resource or tenant, or no record at all.
    """
    if not source_id:
        tenant, source_id = _first(audit, known("resource", resource, audit.parameters.resources), tenant)
    found = stories(audit, resource, source_id, tenant, whole)
    best = max(found, key=lambda one: one.status.rank)
    others = [one.tenant for one in found if one is not best]
    if others:
        best.notes.append(f"{', '.join(others)} has a record of this id too; name the tenant to see it")
    return best


def stories(audit: Audit, resource: str, source_id: str, tenant: str = "", whole: bool = False) -> list[Story]:
    """Return the stories of one id, one for each tenant that has it; where nobody has, one that says so.

    A source that was not read yet is asked for this record alone where the parameter file says how (``one``), else,
    or with `whole`, for its list.

    Raises
    ------
    StoryError
        There is no such resource or tenant.
    """
    name = known("resource", resource, audit.parameters.resources)
    tenants = [known("tenant", tenant, audit.parameters.tenant_names)] if tenant else audit.parameters.tenant_names
    top_ids = tops(audit, name, source_id, tenants)
    with _reading(audit, name, tenants, top_ids, whole) as (reading, alone):
        records = [gather(reading, one, name, source_id, top_ids.get(one)) for one in tenants]
        having = [record for record in records if record.exists]
        if not having:
            return [_nobody(audit, name, source_id, records)]
        told = [_story(reading, record, alone) for record in having]
    for story in told:
        story.cell = audit.cell  # so that what is revealed later is revealed here too
        story.show = frozenset(audit.parameters.show)
    return told


@contextlib.contextmanager
def _reading(
    audit: Audit, name: str, tenants: list[str], top_ids: dict[str, str], whole: bool
) -> Iterator[tuple[Audit, Alone | None]]:
    """Yield the audit with what the source has of the record, and what asks it for more."""
    if audit.parameters.source is None or not audit.asks_anew:
        yield audit, None
        return
    top = audit.parameters.top(name)
    alone = Alone(audit.parameters, Path(tempfile.mkdtemp(prefix="alone-", dir=audit.private)), top)

    def read() -> Recording:
        singly = not whole and may_read_one(audit.parameters, top) and top_ids
        for tenant in tenants:
            if not singly:
                alone.whole(tenant)
            elif tenant in top_ids:
                alone.one(tenant, top_ids[tenant])
        alone.let_settle()
        return alone.recording()

    with contextlib.closing(alone):
        yield audit.with_source(read), alone


def _story(audit: Audit, record: Record, alone: Alone | None) -> Story:
    told = _judged(audit, record, alone)
    happened = _marked(events(audit, record), told)
    notes = _notes(audit, record, told)
    return Story(
        record.tenant, record.resource, record.source_id, told.status, happened, _changes(audit, record),
        told.rows, told.remedies, record.unknown, notes, told.problem, audit.cell,
    )  # fmt: skip


def _marked(happened: pd.DataFrame, told: wrong.Wrong) -> pd.DataFrame:
    """Return the events with those marked as bad that show what is wrong now: the last word of a side."""
    sides = {"refined_missing_at_source": "source", "field_differences": "refined"}
    for side in {sides[check] for check in told.rows["check"] if check in sides}:
        happened.loc[happened.index[happened["side"] == side][-1:], "state"] = "bad"
    return happened


def _judged(audit: Audit, record: Record, alone: Alone | None) -> wrong.Wrong:
    if audit.parameters.source is None:
        problem = "it cannot be told whether something is wrong with it: there is no source to hold it against"
        return wrong.Wrong(pd.DataFrame(columns=wrong.COLUMNS), problem=problem)
    key = (record.tenant, record.source_id)
    both = wrong.compared(audit, record.tenant, record.resource, record.source_id)
    if alone and wrong.differs(both, key):
        _ask_for_the_causes(audit, record, alone)
        both = wrong.compared(audit, record.tenant, record.resource, record.source_id)
    return wrong.judged(audit, both, key)


def _ask_for_the_causes(audit: Audit, record: Record, alone: Alone) -> None:
    """Ask the source for what only a difference makes worth asking."""
    alone.facts(record.tenant)
    is_part = audit.source.is_part(record.tenant, record.resource)
    if record.item is None and audit.parameters.resources[record.top].known.merged and is_part:
        alone.whole(record.tenant)  # only another record of the list tells that this one was merged into it
    if is_part and record.top_id is not None:
        for tenant in audit.parameters.tenant_names:
            if audit.source.problem(tenant, record.top):
                alone.one(tenant, record.top_id)  # it may be another tenant's
    audit.source = alone.recording()
    audit.kept.clear()


def _changes(audit: Audit, record: Record) -> pd.DataFrame:
    """Return what changed from version to version, and what the newest has not of the source's present record."""
    types = declared_types(audit.parameters, record.resource)
    versions = [one for one in (record.versions or record.carriers) if not one["deleted"]]
    states = [(f"version {one['number']}", one["content"]) for one in versions]
    if record.item:
        present = record.item.record
        if states and states[-1][1] and audit.parameters.resources[record.resource].read is None:
            # What was stored of a nested record may hold names that the source does not have, such as its parent's id.
            present = {**states[-1][1], **present}
        states.append(("the source now", present))
    lines = [
        {"between": f"{old} → {new}", **typed_change(one, types)._asdict()}
        for (old, before), (new, after) in pairwise(states)
        for one in changes(before, after)
    ]
    return pd.DataFrame(lines, columns=["between", "path", "before", "after"], dtype=object)


def _notes(audit: Audit, record: Record, told: wrong.Wrong) -> list[str]:
    notes = []
    live = [one for one in record.rows if not one["deleted"]]
    if len(live) > 1:
        notes.append(f"{len(live)} live refined rows have this id; see the check one_refined_row_per_source_id")
    lost = told.rows["cause"].map(group).isin(("not sent", "not received", "unexplained"))
    if lost.any() and audit.source.is_part(record.tenant, record.resource):
        notes.append(
            "the source was asked for this record alone; whether a sync passed it by is told by its whole list: "
            "--whole, or --replay with a run that has read it"
        )
    return notes


def _nobody(audit: Audit, name: str, source_id: str, records: list[Record]) -> Story:
    """Return the story of an id that no side has."""
    asked = [one.tenant for one in records]
    sides = ["source"] if audit.parameters.source else []
    sides += ["raw table"] if audit.parameters.raw else []
    reason = f"neither {' nor '.join([*sides, 'refined table'])} has it"
    unknown = list(dict.fromkeys(line for one in records for line in one.unknown))
    if any(line.startswith("the source:") for line in unknown) or not audit.parameters.source:
        reason = f"no version and no row of it is here; {unknown[0]}" if unknown else reason
    notes = [f"perhaps meant: {one}" for one in near(audit, name, source_id, asked)]
    nothing = pd.DataFrame(columns=wrong.COLUMNS)
    none = Record(", ".join(asked), name, source_id, audit.parameters.top(name))
    return Story(
        none.tenant, name, source_id, Status.INCONCLUSIVE, events(audit, none), _changes(audit, none), nothing,
        unknown=unknown, notes=notes, reason=reason, cell=audit.cell,
    )  # fmt: skip


def _first(audit: Audit, name: str, tenant: str = "") -> tuple[str, str]:
    """Return tenant and id of the first record of a resource that differs, else of the first that there is.

    Raises
    ------
    StoryError
        There is none.
    """
    tenants = [known("tenant", tenant, audit.parameters.tenant_names)] if tenant else audit.parameters.tenant_names
    if audit.parameters.source is None:
        raise StoryError("name a source_id: without a source there is no difference to choose by")
    both = sides(audit, name)
    rows = [row for found in differences(both).values() for row in found]
    keys = [(row["tenant"], row["source_id"]) for row in rows if not row["in_flight"] and row["tenant"] in tenants]
    for one in [tenant for tenant in tenants if tenant not in both.problems]:
        keys += [(one, item.source_id) for item in islice(audit.source.items(one, name), 1)]
    if not keys:
        raise StoryError(both.lost or f"there is no record of {name} at the source")
    return keys[0]
