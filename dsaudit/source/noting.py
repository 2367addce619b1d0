"""Notes what a list shows while it is read, and says what speaks against its being whole."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from dsaudit.parameters import Resource
from dsaudit.source.reading import Record, SourceError, value_at
from dsaudit.source.recording import changed_at, identity

MOST_SHARED = 1000
A_BATCH = 100_000  # ids that are held here before they are handed over
MEMORY = "512MB"  # beyond it the ids go to disk

# An id with two contents at one time of change stands for two records; any other that comes twice, for rows that moved.
DOUBLES = """
select id, count(distinct (content, changed)) > count(distinct changed) as is_shared
from ids
group by id
having count(*) > 1
order by id
"""


def _doubles_in(batch: Sequence[tuple[str, int, int]]) -> Iterator[tuple[str, bool]]:
    """Do what `DOUBLES` does, for a list that fits into memory."""
    versions: dict[str, list[tuple[int, int]]] = {}
    for name, content, changed in batch:
        versions.setdefault(name, []).append((content, changed))
    for name, found in versions.items():
        if len(found) > 1:
            yield name, len(set(found)) > len({changed for _, changed in found})


@dataclass
class Notes:
    """What a list showed while it was read: how many records, which ids, the newest change.

    The ids of a long list are held by DuckDB, which spills them into `folder`: there may be more than fit into memory.
    """

    resource: Resource
    folder: Path
    records: int = 0
    pages: int = 0
    nameless: int = 0
    newest: datetime | None = None
    totals: list[int] = field(default_factory=list)  # how many records the pages told that the list has, in turn
    _batch: list[tuple[str, int, int]] = field(default_factory=list)
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
        if len(self._batch) >= A_BATCH:
            self._hand_over()
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
        # One half of a surrogate pair, which a text of JSON can hold, is no text anywhere else.
        name = identity(self.resource, one, one, "", 0).encode("utf-8", "backslashreplace").decode()
        self._batch.append((name, hash(record.text), hash(changed)))
        if changed and (self.newest is None or changed > self.newest):
            self.newest = changed

    @cached_property
    def _engine(self) -> duckdb.DuckDBPyConnection:
        engine = duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": str(self.folder), "threads": 2})
        engine.execute("create table ids (id varchar, content bigint, changed bigint)")
        return engine

    def _hand_over(self) -> None:
        self._engine.register("batch", pd.DataFrame(self._batch, columns=["id", "content", "changed"]))
        self._engine.execute("insert into ids select id, content, changed from batch")
        self._engine.unregister("batch")
        self._batch.clear()

    @cached_property
    def _doubles(self) -> list[tuple[str, bool]]:
        """The ids that came more than once, and whether each stands for several different records."""
        if "_engine" not in self.__dict__:
            return sorted(_doubles_in(self._batch))  # few enough to be counted here
        self._hand_over()
        return self._engine.execute(DOUBLES).fetchall()

    def close(self) -> None:
        """Let go of the ids."""
        if "_engine" in self.__dict__:
            self._engine.close()

    def facts(self) -> dict[str, Any]:
        """Return what the index keeps of it."""
        newest = self.newest.isoformat() if self.newest else None
        shared = [name for name, is_shared in self._doubles if is_shared][:MOST_SHARED]
        return {"records": self.records, "pages": self.pages, "newest": newest, "shared_ids": shared}

    def doubt(self, before: int | None, after: int | None) -> str | None:
        """Return why the list may not be whole, or None; the source's own counts were taken before and after it."""
        if self.nameless:
            return f"{self.nameless} records have no id"
        if shared := sum(is_shared for _, is_shared in self._doubles):
            return f"{shared} ids stand for several different records each"
        if self._doubles:
            return f"{len(self._doubles)} ids came twice: rows moved between pages while they were read"
        for told in ([count for count in (before, after) if count is not None], self.totals):
            # A source in use goes on changing between the first and the last of them.
            if told and not min(told) <= self.records <= max(told):
                return f"{self.records} records were read, but the source counts {told[-1]}"
        return None
