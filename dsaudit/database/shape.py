"""What PostgreSQL's catalogue tells of the tables' shape: keys, references, sizes. No row of a table is read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from dsaudit.database.reader import Database

PAGE = 8192  # bytes
LARGE = 8192  # pages: 64 MB


@dataclass(frozen=True)
class Column:
    """One column: its type as PostgreSQL writes it, and whether it may be null or is given by the server."""

    name: str
    type: str
    nullable: bool
    is_given: bool  # by a default, an identity or a generated expression

    @property
    def family(self) -> str:
        """What its values are, in one word: text, integer, decimal, boolean, instant, date, uuid, json or other."""
        return _FAMILIES.get(re.sub(r"\(.*?\)", "", self.type), "other")


@dataclass(frozen=True)
class Reference:
    """A foreign key of one column."""

    column: str
    table: int
    parent: str


@dataclass
class Shape:
    """One table, partitioned table or view."""

    schema: str
    name: str
    oid: int
    kind: str  # as pg_class has it: r, p, v, m or f
    pages: int
    columns: dict[str, Column] = field(default_factory=dict)
    primary: tuple[str, ...] = ()
    unique: list[tuple[str, ...]] = field(default_factory=list)  # without the primary key
    indexed: list[tuple[str, ...]] = field(default_factory=list)
    references: dict[str, Reference] = field(default_factory=dict)

    @property
    def is_large(self) -> bool:
        """Whether reading it whole would be felt by others."""
        return self.pages > LARGE

    def finds(self, column: str, beside: str | None = None) -> bool:
        """Return whether rows are found by `column` without reading the whole table, `beside` being known as well."""
        heads = ((column,), (beside, column), (column, beside))
        return not self.is_large or any(index[: len(head)] == head for index in self.indexed for head in heads)


def shapes(database: Database) -> dict[int, Shape]:
    """Return the tables and views of all schemas by object id; partitions are part of their table.

    Raises
    ------
    QueryError
        The catalogue cannot be read.
    """
    columns, indexes, references = (one.frame for one in database.queries([_COLUMNS, _INDEXES, _REFERENCES], most=None))
    found: dict[int, Shape] = {}
    for row in columns.to_dict("records"):
        shape = Shape(row["schema"], row["table"], row["oid"], row["kind"], int(row["pages"] or 0))
        shape = found.setdefault(row["oid"], shape)
        shape.columns[row["column"]] = Column(row["column"], row["type"], row["nullable"], row["is_given"])
    for row in indexes.to_dict("records"):
        if row["oid"] in found:
            _add_index(found[row["oid"]], row)
    for row in references.to_dict("records"):
        if row["oid"] in found and row["parent_oid"] in found:
            found[row["oid"]].references[row["column"]] = Reference(row["column"], row["parent_oid"], row["parent"])
    return found


def _add_index(shape: Shape, row: Mapping[Any, Any]) -> None:
    columns = tuple(str(name) for name in row["columns"])
    shape.indexed.append(columns)
    if row["is_primary"]:
        shape.primary = columns
    elif row["is_unique"]:
        shape.unique.append(columns)


def named(found: Mapping[int, Shape], name: str) -> Iterator[Shape]:
    """Yield the tables that a parameter file can mean by `name`, which may have its schema before it."""
    schema, _, bare = name.rpartition(".")
    yield from (shape for shape in found.values() if shape.name == bare and schema in ("", shape.schema))


_FAMILIES = {
    **dict.fromkeys(("text", "character varying", "character", "citext", "name", '"char"'), "text"),
    **dict.fromkeys(("smallint", "integer", "bigint"), "integer"),
    **dict.fromkeys(("numeric", "real", "double precision", "money"), "decimal"),
    **dict.fromkeys(("timestamp with time zone", "timestamp without time zone"), "instant"),
    **{"boolean": "boolean", "date": "date", "uuid": "uuid", "json": "json", "jsonb": "json"},
}

_OURS = "n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"

_COLUMNS = f"""
select n.nspname::text as schema, c.relname::text as table, c.oid::bigint as oid, c.relkind::text as kind,
       case c.relkind
         when 'p' then (select sum(pg_catalog.pg_relation_size(t.relid)) from pg_catalog.pg_partition_tree(c.oid) as t)
         when 'r' then pg_catalog.pg_relation_size(c.oid) when 'm' then pg_catalog.pg_relation_size(c.oid) else 0
       end / {PAGE} as pages,
       a.attname::text as column, pg_catalog.format_type(a.atttypid, a.atttypmod) as type,
       not a.attnotnull as nullable, a.atthasdef or a.attidentity <> '' as is_given
from pg_catalog.pg_class as c
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relkind in ('r', 'p', 'v', 'm', 'f') and not c.relispartition and {_OURS}
  and pg_catalog.has_column_privilege(c.oid, a.attnum, 'select')
  and not exists (select from pg_catalog.pg_depend as d where d.objid = c.oid and d.deptype = 'e')
order by 1, 2, a.attnum
"""

_INDEXES = f"""
select i.indrelid::bigint as oid, i.indisprimary as is_primary, i.indisunique as is_unique,
       array_agg(a.attname::text order by k.place) as columns
from pg_catalog.pg_index as i
join pg_catalog.pg_class as c on c.oid = i.indrelid join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
cross join unnest(i.indkey::smallint[]) with ordinality as k (number, place)
join pg_catalog.pg_attribute as a on a.attrelid = i.indrelid and a.attnum = k.number
where i.indisvalid and i.indexprs is null and i.indpred is null and k.place <= i.indnkeyatts and {_OURS}
group by i.indexrelid, i.indrelid, i.indisprimary, i.indisunique
order by 1, i.indexrelid
"""

_REFERENCES = f"""
select o.conrelid::bigint as oid, a.attname::text as column, o.confrelid::bigint as parent_oid,
       p.attname::text as parent
from pg_catalog.pg_constraint as o
join pg_catalog.pg_class as c on c.oid = o.conrelid join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
join pg_catalog.pg_attribute as a on a.attrelid = o.conrelid and a.attnum = o.conkey[1]
join pg_catalog.pg_attribute as p on p.attrelid = o.confrelid and p.attnum = o.confkey[1]
where o.contype = 'f' and cardinality(o.conkey) = 1 and o.conparentid = 0 and {_OURS}
order by 1, 2
"""
