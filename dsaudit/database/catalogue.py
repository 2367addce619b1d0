"""What PostgreSQL's own catalogue is asked: which tables there are, and which are no longer what they were."""

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


# What this transaction has read, views and partitions among it, and is not as it was at the transaction's instant. Rows
# follow a snapshot, and what they are stored in and called does not: a table that was truncated, rewritten or put in
# another's place, a column of another name, a partition that is gone would be read without an error. The locks tell
# what was read, and keep it from changing before this query; `pg_identify_object` tells what it is by now.
CHANGED = """
with snapshot (xmin, age) as (
  select s.xmin::text::bigint, pg_catalog.age(s.xmin::pg_catalog.xid)
  from pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot()) as s (xmin)
),
held (oid, kind, name) as (
  select l.relation, i.type, i.identity
  from pg_catalog.pg_locks as l,
    pg_catalog.pg_identify_object('pg_catalog.pg_class'::pg_catalog.regclass, l.relation, 0) as i
  where l.locktype = 'relation' and l.pid = pg_catalog.pg_backend_pid() and l.relation >= 16384  -- the first of users
)
select name from held, snapshot
where kind in ('table', 'view', 'materialized view', 'foreign table') and (
  not exists (
    select from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.oid = held.oid and pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname) = held.name
      and nullif(c.relfilenode, 0) is not distinct from pg_catalog.pg_relation_filenode(c.oid)
  )
  or exists (
    select from (
      select xmax from pg_catalog.pg_attribute where attrelid = held.oid
      union all select xmax from pg_catalog.pg_inherits where inhparent = held.oid
      union all select xmax from pg_catalog.pg_rewrite where ev_class = held.oid
    ) as definition (ended_by), pg_catalog.age(ended_by) as since
    where since <= snapshot.age
      and pg_catalog.pg_xact_status((snapshot.xmin + snapshot.age - since)::text::pg_catalog.xid8) <> 'aborted'
  )
)
order by name
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
