"""What a sync must have read, worked out from the source's own list: whole, cut off, short of a page, filtered.

A run leaves three figures: how many records it read, on how many pages, and the latest change among them. A way of
reading explains a run if the records that it gives have just these figures. It is believed only if it is the only one.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any

from dsaudit.reconcile.values import same_json
from dsaudit.source.recording import changed_at, instant_at, value_at

if TYPE_CHECKING:
    from dsaudit.audit import Audit
    from dsaudit.parameters import Resource

Run = Mapping[str, Any]
SMALLEST_PAGE = 2  # records; of a single one that is missing nobody can say that it was a page
USUAL_SIZES = frozenset({10, 20, 25, 50, 100, 200, 250, 500, 1000})  # of a page
MOST_LISTED = 2_000_000  # records; what a run read of a longer list is not worked out


@dataclass(frozen=True)
class Listed:
    """One record of an own list, in the list's order."""

    source_id: str
    created: datetime | None
    changed: datetime | None
    by_default: bool  # whether the source lists it where nothing is asked for


@dataclass
class Reading:
    """What a run must have read: all records that were there, or those that one way of reading leaves."""

    there: int
    saw_all: bool = False
    way: str | None = None
    seen: set[str] = field(default_factory=set)


def page_sizes(audit: Audit) -> frozenset[int]:
    """Return at which numbers pages end: the usual ones, and that of the source."""
    source = audit.parameters.source
    return USUAL_SIZES | {source.page_size} if source else USUAL_SIZES


def listed(audit: Audit, tenant: str, name: str) -> list[Listed] | None:
    """Return an own list of the source, as it was read, kept by the audit; None of a part, or one too long to hold."""
    kept: dict[tuple[str, str], list[Listed] | None] = audit.kept.setdefault("lists", {})
    if (tenant, name) not in kept:
        resource = audit.parameters.resources[name]
        is_part = audit.parameters.part.by_record or audit.source.is_part(tenant, name)
        known = not audit.source.problem(tenant, name) and resource.read and not is_part
        few = known and (audit.source.index["tenants"][tenant]["resources"][name]["records"] <= MOST_LISTED)
        items = audit.source.items(tenant, name) if few else None
        kept[tenant, name] = None if items is None else [_listed(resource, one.source_id, one.record) for one in items]
    return kept[tenant, name]


def _listed(resource: Resource, source_id: str, record: dict[str, Any]) -> Listed:
    created = instant_at(record, resource.known.created)
    return Listed(source_id, created, changed_at(resource, record) or created, is_default(resource, record))


def is_default(resource: Resource, record: dict[str, Any]) -> bool:
    """Return whether the source lists a record where nothing is asked for."""
    return all(same_json(value_at(record, path), value) for path, value in resource.known.by_default.items())


def reading(
    resource: Resource,
    records: list[Listed],
    run: Run,
    cursor: datetime | None,
    missed: Collection[str],
    sizes: Collection[int] = USUAL_SIZES,
) -> Reading:
    """Return what a completed run must have read of `records`.

    `cursor` is the watermark of the run before it, `missed` the ids whose state of then never came: no way of reading
    that gives one of them is believed. `sizes` are those that the first pages of a list are believed to have.
    """
    started = run["started_at"]
    there = [one for one in records if (one.created or one.changed or _NEVER) <= started]
    found = Reading(len(there))
    if _explains(run, there):
        found.saw_all = True
        return found
    ways = [*_ways(resource, there, run, cursor, missed), *_edges(there, run, cursor, sizes)]
    ways = [(way, seen) for way, seen in ways if _explains(run, seen)]
    ways = [(way, seen) for way, seen in ways if not any(one.source_id in missed for one in seen)]
    names = {way for way, _ in ways}
    if names == {"first", "edge"}:
        names = {"edge"}  # whichever it was, it passed by what stands behind the end of a page
    if len(names) == 1 and (names != {"first"} or run["fetched"] // run["pages"] in sizes):
        (found.way,) = names
        found.seen = {one.source_id for _, seen in ways for one in seen}
    return found


_NEVER = datetime.max.replace(tzinfo=UTC)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def _explains(run: Run, seen: list[Listed]) -> bool:
    """Return whether these records have the run's figures; one that changed since tells nothing of its time then."""
    if len(seen) != run["fetched"]:
        return False
    times = [one.changed for one in seen if one.changed and one.changed <= run["started_at"]]
    latest, watermark = max(times, default=None), run["watermark"]
    if watermark is None:
        return not seen
    return latest == watermark or (len(times) < len(seen) and (latest or _LONG_AGO) <= watermark)


def neighbours(records: list[Listed], missed: Collection[str]) -> dict[str, int]:
    """Return for each of the ids in `missed` how many of them stand one behind the other there in the list."""
    found: dict[str, int] = {}
    for is_missed, group in groupby(records, key=lambda one: one.source_id in missed):
        ids = [one.source_id for one in group]
        found |= dict.fromkeys(ids, len(ids)) if is_missed else {}
    return found


def _without_a_page(there: list[Listed], fetched: int, pages: int, missed: Collection[str]) -> Iterator[list[Listed]]:
    """Yield what is left of a list without the full page in its middle that holds all that is missed.

    The size of the pages is what was not read, and all that was read but the last page were full.
    """
    size = len(there) - fetched
    if size < SMALLEST_PAGE or pages != math.ceil(fetched / size):
        return
    places = [place for place, one in enumerate(there) if one.source_id in missed]
    start = places[0] // size * size if places else 0
    if places and size <= start < len(there) - size and places[-1] < start + size:
        yield there[:start] + there[start + size :]


def _edges(
    there: list[Listed], run: Run, cursor: datetime | None, sizes: Collection[int]
) -> Iterator[tuple[str, list[Listed]]]:
    """Yield what is read of the changes since `cursor` if something stands behind the end of a page for good."""
    fetched, pages = int(run["fetched"]), int(run["pages"] or 0)
    changed = [one for one in there if cursor and one.changed and one.changed > cursor]
    if pages and fetched % pages == 0 and fetched // pages in sizes and fetched < len(changed):
        yield "edge", changed[:fetched]
    for size in sizes:
        if (pages - 1) * size < fetched <= pages * size and len(seen := _by_time(changed, size)) < len(changed):
            yield "edge", seen


def _by_time(changed: list[Listed], size: int) -> list[Listed]:
    """Return what is read if each page is asked for behind the time of the last record of the one before."""
    ordered = sorted(changed, key=_time)
    seen, start = ordered[:size], 0
    while start + size < len(ordered):
        start = bisect_right(ordered, _time(seen[-1]), key=_time)
        seen += ordered[start : start + size]
    return seen


def _time(one: Listed) -> datetime:
    return one.changed or _LONG_AGO


def _ways(
    resource: Resource, there: list[Listed], run: Run, cursor: datetime | None, missed: Collection[str]
) -> Iterator[tuple[str, list[Listed]]]:
    """Yield the ways of reading that leave out a part of what was there."""
    fetched, pages, known = int(run["fetched"]), int(run["pages"] or 0), resource.known
    told = all(one.created for one in there[fetched:])  # what changed long ago may have come to the list since
    if fetched and pages and fetched % pages == 0 and told:
        yield "first", there[:fetched]
    yield from (("page", seen) for seen in _without_a_page(there, fetched, pages, missed))
    if known.by_default:
        yield "default", [one for one in there if one.by_default]
    if cursor:
        yield "cursor", [one for one in there if one.changed and one.changed > cursor]
        yield "cursor", [one for one in there if one.changed and one.changed >= cursor]
        yield "cursor", [one for one in there if one.created and one.created > cursor]
    if known.aged and fetched and all(one.created for one in there):
        youngest = sorted(there, key=lambda one: one.created or _LONG_AGO, reverse=True)
        hidden = youngest[fetched:]
        limit = run["started_at"] - timedelta(days=known.aged.days)
        if hidden and (hidden[0].created or _NEVER) < min(limit, youngest[fetched - 1].created or _LONG_AGO):
            yield "aged", youngest[:fetched]
