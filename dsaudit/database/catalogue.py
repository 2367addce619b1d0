"""What PostgreSQL's own catalogue is asked: which tables there are, and which were rewritten."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TableInfo:
    """A table in the database's catalogue: its object id, the type of each column, and whether it holds rows itself."""

    schema: str
    name: str
    oid: int
    columns: dict[str, str]
    is_stored: bool = True  # False of a view


# Of the tables with these object ids, and of their partitions: those that were rewritten since the snapshot was taken.
REWRITTEN = """
with recursive tree (oid) as (
  select pg_catalog.unnest(%(tables)s::pg_catalog.oid[])
  union select i.inhrelid from pg_catalog.pg_inherits as i join tree on tree.oid = i.inhparent
)
select c.oid::pg_catalog.regclass::text from tree join pg_catalog.pg_class as c on c.oid = tree.oid
where c.relkind in ('r', 'm') and c.relfilenode is distinct from pg_catalog.pg_relation_filenode(c.oid)
"""

COLUMNS = """
select n.nspname::text as schema, c.relname::text as table, c.oid::bigint as oid, a.attname::text as column,
       c.relkind <> 'v' as is_stored, pg_catalog.format_type(a.atttypid, a.atttypmod) as type
from pg_catalog.pg_class as c
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
order by 1, 2, a.attnum
"""
