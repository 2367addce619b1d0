"""Which records of a list belong to the part that is audited, and by which way the source is asked for them.

====== =================================================================================================================
whole  the whole list is read; of a part by record, what does not belong to it is then left out
since  the source is asked for what changed, and for the rest of what our tables say changed by its ids
ids    the source is asked for the records of a sample by their ids, and for the first page of its list
====== =================================================================================================================
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Literal

from dsaudit.parameters import Parameters, Part, Resource
from dsaudit.parameters.source import Source
from dsaudit.source.by_id import ById, takes_ids
from dsaudit.source.drawing import Draw
from dsaudit.source.paging import MARGIN, Listing
from dsaudit.source.reading import Page, Record
from dsaudit.source.recording import changed_at, identity
from dsaudit.verdict.card import plural, thousands

Way = Literal["whole", "since", "ids"]
LATE = timedelta(seconds=60)  # a list of changes may be that much behind


def way_of(resource: Resource, source: Source, part: Part) -> Way:
    """Return by which way a resource's list is read."""
    if part.since and resource.since and source.kind != "files":
        return "since"
    return "ids" if part.sample and takes_ids(resource) and source.kind == "rest" else "whole"


@dataclass
class Choice:
    """The records of one tenant's list that belong to the part; it notes what became of the ids that were drawn."""

    parameters: Parameters
    resource: Resource
    draw: Draw
    started: datetime
    single: ById | None = None  # what asks for single records, where that can be
    kept: int = 0
    seen: set[str] = field(default_factory=set)  # drawn ids that the source has
    changes: int = 0  # how many records the list of changes has
    totals: list[int] = field(default_factory=list)  # and how many it says that it has
    hidden: int = 0  # changed since, by their own time, and not in the list of changes
    empty: bool = False  # whether the first page of the whole list holds nothing
    listed: bool = True  # whether it is still the list that is read, and not single records

    @property
    def part(self) -> Part:
        """What is audited."""
        return self.parameters.part

    @property
    def way(self) -> Way:
        """By which way the list is read."""
        assert self.parameters.source is not None
        return way_of(self.resource, self.parameters.source, self.part)

    def anew(self) -> Choice:
        """Return the same choice, to be made from the list's beginning."""
        return Choice(self.parameters, self.resource, self.draw, self.started, self.single)

    def words(self, name: str) -> str:
        """Return what is read of the list, for who watches."""
        if self.way == "since":
            return f"what changed of {name}"
        if self.way == "ids":
            return f"{len(self.draw.ids):,} of {name} by id"
        return f"all of {name}, which cannot be asked for less," if self.part.by_record else name

    def pages(self, reader: Any) -> Iterator[Page]:
        """Yield the pages that have to be read where the list is not read whole: of the list, then by id."""
        assert self.parameters.source is not None
        if self.part.since:
            changes = Listing.of_changes(self.resource, self.part.since, self.parameters.source.kind)
            for page in reader.pages(changes):
                self.changes += len(page.records)
                self.totals += [page.total] if page.total is not None else []
                yield replace(page, total=None)  # of the list alone, and single records follow it
        else:
            whole = replace(Listing.of(self.resource), proven=False)  # nobody holds it against the count
            first = next(islice(reader.pages(whole), 1), Page([]))
            self.empty = not first.records
            yield Page(first.records)
        self.listed = False
        if self.single:
            yield from self.single.pages(sorted(self.draw.ids - self.seen))

    def of(self, records: list[Record]) -> list[Record]:
        """Return the records of a page that belong to the part."""
        if not self.part.by_record:
            self.kept += len(records)
            return records
        chosen = [record for record in records if self._belongs(record)]
        self.kept += len(chosen)
        return chosen

    def _belongs(self, record: Record) -> bool:
        own = identity(self.resource, record.value, record.value, "", 0)
        is_drawn = own in self.draw.ids
        if is_drawn:
            self.seen.add(own)
        if self.part.sample:
            return is_drawn or self.way == "ids"
        assert self.part.since is not None
        changed = changed_at(self.resource, record.value)
        # What does not say when it changed may have changed.
        is_new = changed is None or changed >= self.part.since
        if changed and not self.listed and self.part.since + MARGIN <= changed < self.started - LATE:
            self.hidden += 1
        return is_new or is_drawn

    def facts(self, counted: int | None) -> dict[str, Any]:
        """Return what the index keeps of the choice; `counted` is how many records the source says that it has."""
        if not self.part.by_record:
            return {}
        asked = self.way == "whole" or self.single is not None
        absent = self.draw.ids - self.seen if asked else frozenset[str]()
        unasked = 0 if asked else len(self.draw.ids - self.seen)
        return {
            "way": self.way, "records": self.kept, "absent": sorted(absent), "unasked": unasked,
            "uniform": sorted(self.draw.uniform), "known": self.draw.known, "none": self.empty or counted == 0,
        }  # fmt: skip

    def doubt(self) -> str | None:
        """Return why the list of changes cannot be relied on, or None."""
        if self.totals and not min(self.totals) <= self.changes <= max(self.totals):
            read = plural(self.changes, "record was", "records were")
            return f"{read} read, but the source counts {thousands(self.totals[-1])}"
        if self.hidden:
            hidden, them = plural(self.hidden, "record"), "it" if self.hidden == 1 else "them"
            asked = f"the list that {self.resource.since} asks for"
            return f"{hidden} changed since then, and {asked} does not have {them}"
        return None
