"""Counts the ids of records, of which there may be more than fit into memory, and tells those that came twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import duckdb
import pandas as pd

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
class Ids:
    """The ids of one kind of record, each with what tells two records of one id apart.

    Those of a long list are held by DuckDB, which spills them into `folder`.
    """

    folder: Path
    _batch: list[tuple[str, int, int]] = field(default_factory=list)

    def add(self, name: str, content: int, changed: int = 0) -> None:
        """Take in the id of one record, a hash of its content and one of its time of change."""
        self._batch.append((name, content, changed))
        if len(self._batch) >= A_BATCH:
            self._hand_over()

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
    def doubles(self) -> list[tuple[str, bool]]:
        """The ids that came more than once, and whether each stands for several different records."""
        if "_engine" not in self.__dict__:
            return sorted(_doubles_in(self._batch))  # few enough to be counted here
        self._hand_over()
        return self._engine.execute(DOUBLES).fetchall()

    @property
    def shared(self) -> list[str]:
        """The ids that stand for several different records each."""
        return [name for name, is_shared in self.doubles if is_shared]

    def close(self) -> None:
        """Let go of the ids."""
        if "_engine" in self.__dict__:
            self._engine.close()
