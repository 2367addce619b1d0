"""Notes what a list shows while it is read, and says what speaks against its being whole."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from dsaudit.parameters import Resource
from dsaudit.source.reading import Record, SourceError, value_at
from dsaudit.source.recording import changed_at, identity

MOST_SHARED = 1000


@dataclass
class Notes:
    """What a list showed while it was read: how many records, which ids, the newest change."""

    resource: Resource
    records: int = 0
    pages: int = 0
    nameless: int = 0
    again: int = 0
    newest: datetime | None = None
    totals: list[int] = field(default_factory=list)  # how many records the pages told that the list has, in turn
    _shared: dict[str, None] = field(default_factory=dict)
    _known: dict[str, tuple[int, int]] = field(default_factory=dict)
    _digests: dict[bytes, int] = field(default_factory=dict)

    def note(self, records: Sequence[Record]) -> None:
        """Take in the records of one page.

        Raises
        ------
        SourceError
            It is an earlier page once more.
        """
        self.pages += 1
        for record in records:
            self._note(record.value)
        if records:
            digest = hashlib.sha256("\n".join(record.text for record in records).encode())
            earlier = self._digests.setdefault(digest.digest(), self.pages)
            if earlier != self.pages:
                raise SourceError(f"page {self.pages} is page {earlier} once more: the pages run in a circle")

    def _note(self, one: dict[str, Any]) -> None:
        self.records += 1
        name, changed = identity(self.resource, one, one, "", 0), changed_at(self.resource, one)
        content = (hash(json.dumps(one, sort_keys=True, default=str)), hash(changed))
        paths = (part for part in self.resource.id_from if part not in ("#", "@"))
        self.nameless += any(value_at(one, path) in (None, "") for path in paths)
        known = self._known.setdefault(name, content)
        if known is not content:
            if known == content or known[1] != content[1]:
                self.again += 1
            else:
                self._shared[name] = None
        self.newest = max(filter(None, (self.newest, changed)), default=None)

    def facts(self) -> dict[str, Any]:
        """Return what the index keeps of it."""
        newest = self.newest.isoformat() if self.newest else None
        shared = list(self._shared)[:MOST_SHARED]
        return {"records": self.records, "pages": self.pages, "newest": newest, "shared_ids": shared}

    def doubt(self, before: int | None, after: int | None) -> str | None:
        """Return why the list may not be whole, or None; the source's own counts were taken before and after it."""
        if self.nameless:
            return f"{self.nameless} records have no id"
        if self._shared:
            return f"{len(self._shared)} ids stand for several different records each"
        if self.again:
            return f"{self.again} ids came twice: rows moved between pages while they were read"
        for told in ([count for count in (before, after) if count is not None], self.totals):
            # A source in use goes on changing between the first and the last of them.
            if told and not min(told) <= self.records <= max(told):
                return f"{self.records} records were read, but the source counts {told[-1]}"
        return None
