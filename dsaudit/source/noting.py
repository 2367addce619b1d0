"""Notes what a list shows while it is read, and says what speaks against its being whole."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

from dsaudit.parameters import Resource
from dsaudit.source.doubles import Ids
from dsaudit.source.nesting import MOST_SHARED, Inside
from dsaudit.source.reading import Record, SourceError, value_at
from dsaudit.source.recording import changed_at, identity
from dsaudit.verdict.card import plural, thousands


@dataclass
class Notes:
    """What a list showed while it was read: how many records, which ids, the newest change, what is nested in it."""

    resource: Resource
    ids: Ids
    insides: Sequence[Inside] = ()
    records: int = 0
    pages: int = 0
    nameless: int = 0
    newest: datetime | None = None
    totals: list[int] = field(default_factory=list)  # how many records the pages told that the list has, in turn
    by_position: bool = False  # whether a page was read by its position alone
    _digests: dict[bytes, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        own = (part for part in self.resource.id_from if part not in ("#", "@"))
        self._naming = list(own)

    def note(self, records: Sequence[Record]) -> None:
        """Take in the records of one page.

        Raises
        ------
        SourceError
            It is an earlier page once more.
        """
        self.pages += 1
        for record in records:
            self._note(record)
        if records:
            digest = hashlib.sha256("\n".join(record.text for record in records).encode()).digest()
            earlier = self._digests.setdefault(digest, self.pages)
            if earlier != self.pages:
                raise SourceError(f"page {self.pages} is page {earlier} once more: the pages run in a circle")

    def _note(self, record: Record) -> None:
        one = record.value
        self.records += 1
        changed = changed_at(self.resource, one)
        self.nameless += any(value_at(one, path) in (None, "") for path in self._naming)
        self.ids.add(identity(self.resource, one, one, "", 0), hash(record.text), hash(changed))
        for inside in self.insides:
            inside.note(one)
        if changed and (self.newest is None or changed > self.newest):
            self.newest = changed

    def close(self) -> None:
        """Let go of the ids."""
        for ids in (self.ids, *(inside.ids for inside in self.insides)):
            ids.close()

    def facts(self) -> dict[str, Any]:
        """Return what the index keeps of it."""
        newest = self.newest.isoformat() if self.newest else None
        shared = self.ids.shared[:MOST_SHARED]
        nested = {inside.name: inside.facts() for inside in self.insides}
        return {
            "records": self.records, "pages": self.pages, "newest": newest, "shared_ids": shared, "nested": nested,
        }  # fmt: skip

    def _counts(self, before: int | None, after: int | None) -> list[list[int]]:
        return [[count for count in (before, after) if count is not None], self.totals]

    def has_slid(self, before: int | None, after: int | None) -> bool:
        """Return whether a record was deleted while pages were read by position: another may have slid by unread."""
        return self.by_position and any(b < a for told in self._counts(before, after) for a, b in pairwise(told))

    def may_have_slid(self, before: int | None, after: int | None, still: datetime) -> bool:
        """Return whether that cannot be ruled out: nothing was counted twice, or something changed after `still`."""
        is_counted = any(len(told) > 1 for told in self._counts(before, after))
        return self.by_position and not (is_counted and self.newest is not None and self.newest < still)

    def doubt(self, before: int | None, after: int | None) -> str | None:
        """Return why the list may not be whole, or None; the source's own counts were taken before and after it."""
        if self.nameless:
            return f"{plural(self.nameless, 'record has', 'records have')} no id"
        if shared := len(self.ids.shared):
            return f"{plural(shared, 'id stands', 'ids stand')} for several different records each"
        if self.ids.doubles:
            return f"{plural(len(self.ids.doubles), 'id')} came twice: rows moved between pages while they were read"
        if self.has_slid(before, after):
            return "the source counted fewer while the list was read by position: records may have been skipped"
        for told in self._counts(before, after):
            # A source in use goes on changing between the first and the last of them.
            if told and not min(told) <= self.records <= max(told):
                read = plural(self.records, "record was", "records were")
                return f"{read} read, but the source counts {thousands(told[-1])}"
        return None
