"""What can be compared: a file of JSON Lines, what DuckDB reads as rows, and a select of PostgreSQL."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dsaudit.database import Database
from dsaudit.reconcile.forms import Column, quoted

INTEGERS = ("smallint", "integer", "bigint")
KEY_TYPES = {"integer": INTEGERS, "text": (*INTEGERS, "uuid", "text", "character varying")}
PIECE = 32768  # pages of 8 kB that one connection reads in one short transaction
POLITE_PIECE = 2048  # the same where reads give way: of a second at most

Row = dict[str, Any]


@dataclass(frozen=True)
class Lines:
    """A JSON Lines file, also compressed; it must hold `expected` records, where somebody counted them.

    Where `repeats`, a name may stand twice in one object: DuckDB reads the first and Python the last, which counts, so
    each line is looked through for that. It costs about as much as reading the line.
    """

    path: Path
    expected: int | None = None
    repeats: bool = False


@dataclass(frozen=True)
class Rows:
    """What DuckDB reads as rows: ``read_parquet('…')``, or any select in brackets."""

    relation: str
    expected: int | None = None

    @classmethod
    def of(cls, path: Path, expected: int | None = None) -> Rows:
        """Return the rows of a Parquet or CSV file; in a CSV file all is text, an empty cell NULL, and ``""`` is ''."""
        # DuckDB takes a name for a pattern, and a folder that is called status=paid for a column.
        name = quoted(glob.escape(str(path)), "'") + ", hive_partitioning=false"
        if ".csv" in path.suffixes:
            return cls(f"read_csv({name}, all_varchar=true, header=true, allow_quoted_nulls=false)", expected)
        return cls(f"read_parquet({name})", expected)


@dataclass(frozen=True)
class Table:
    """What one select gives at a database's instant.

    `tables` are the object ids of what it reads. `place` names a column of it that holds the ctid of the first of them:
    then several connections read it, each for a short time. Where it is `derived`
    its columns are not those of the table that bear the same names.
    """

    database: Database
    sql: str
    values: Row = field(default_factory=dict)
    tables: Sequence[int] = ()
    place: str | None = None
    derived: bool = False

    def merged(self) -> str:
        """Return the select with its values in place."""
        return self.database.merged(self.sql, self.values)

    def types(self, names: Sequence[str]) -> dict[str, str]:
        """Return the type of each column, such as ``numeric`` or ``timestamp with time zone``."""
        listed = ", ".join(f"pg_catalog.pg_typeof(t.{quoted(one)})::text as {quoted(one)}" for one in names)
        nothing = f"select * from ({self.sql}) as s limit 0"
        sql = f"select {listed} from (select 1) as one left join ({nothing}) as t on true"
        return dict(self.database.query(sql, self.values).frame.iloc[0])

    def count(self) -> int:
        """Return how many rows there are."""
        sql = f"select pg_catalog.count(*) as rows from ({self.sql}) as t"
        return int(self.database.query(sql, self.values).frame["rows"][0])

    def has_unique(self, names: Sequence[str]) -> bool:
        """Return whether an index says that no two rows of the one table read are equal in the columns `names`."""
        if len(self.tables) != 1 or not self.place or self.derived:
            return False
        frame = self.database.query(UNIQUE, {"table": self.tables[0]}).frame
        return any(set(columns) <= set(names) for columns in frame["columns"])

    def is_unique(self, keys: Sequence[Column]) -> bool:
        """Return the same of keys as they are compared: texts that differ may be equal as integers."""
        types = self.types([key.here for key in keys])
        alike = (key.field and types[key.here] in KEY_TYPES.get(key.field.as_, ()) for key in keys)
        return all(alike) and self.has_unique([key.here for key in keys])

    def pieces(self) -> list[str]:
        """Return conditions, each true for a part of the rows, and together true for every row once."""
        if not self.place:
            return ["true"]
        pages = int(self.database.query(PAGES, {"oid": self.tables[0]}).frame["pages"][0])
        piece = POLITE_PIECE if self.database.is_polite else PIECE
        bounds = range(piece, pages, piece)
        place = f"t.{quoted(self.place)}"
        starts = [f"{place} >= '({page},0)'::tid" for page in bounds]
        ends = [f"{place} < '({page},0)'::tid" for page in bounds]
        return [f"{start} and {end}" for start, end in zip(["true", *starts], [*ends, "true"], strict=True)]


UNIQUE = """
select array_agg(a.attname::text) as columns
from pg_catalog.pg_index as i
join pg_catalog.pg_attribute as a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)
where i.indrelid = %(table)s::oid and i.indisunique and i.indisvalid and i.indimmediate and i.indpred is null
  and i.indexprs is null and i.indnkeyatts = i.indnatts
group by i.indexrelid
having bool_and(a.attnotnull)
order by i.indexrelid
"""

PAGES = """
with recursive tree (oid) as (
  select %(oid)s::pg_catalog.oid
  union all select i.inhrelid from pg_catalog.pg_inherits as i join tree on tree.oid = i.inhparent
)
select coalesce(max(pg_catalog.pg_relation_size(tree.oid)), 0) / 8192 as pages from tree
"""

Side = Lines | Rows | Table


@dataclass(frozen=True)
class Task:
    """What is compared: by which keys, and which columns besides; `exact` holds JSON's numbers to the last digit."""

    keys: Sequence[Column]
    columns: Sequence[Column]
    exact: bool = True

    @property
    def names(self) -> str:
        """The keys' columns in DuckDB's tables."""
        return ", ".join(f"k{number}" for number in range(len(self.keys)))
