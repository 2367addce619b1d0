"""What a schema is made of, part by part as PostgreSQL writes it, so that two can be held against each other."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg

Part = tuple[str, str, str]  # kind, table (or what else it belongs to), name
Schema = Mapping[Part, str]

# What belongs to an extension is its own affair. Every name comes out whole, as the search_path is empty.
_OURS = """
with spaces as (
  select oid, nspname from pg_catalog.pg_namespace
  where nspname !~ '^pg_' and nspname <> 'information_schema'
),
foreigners (class, oid) as (
  select classid, objid from pg_catalog.pg_depend where deptype = 'e'
),
relations as (
  select c.oid, s.nspname || '.' || c.relname as name, c.relkind, c.relrowsecurity, c.relforcerowsecurity
  from pg_catalog.pg_class as c join spaces as s on s.oid = c.relnamespace
  where not exists (select from foreigners as f where f.class = 'pg_catalog.pg_class'::regclass and f.oid = c.oid)
    and c.relname <> %(versions)s
)
"""
_PARTS = """
select 'table' as kind, r.name as part_of, '' as name, case r.relkind when 'p' then 'partitioned' else 'table' end
       || case when r.relrowsecurity then ', row security' else '' end
       || case when r.relforcerowsecurity then ', forced' else '' end as definition
from relations as r where r.relkind in ('r', 'p', 'f')
union all
select 'column', r.name, a.attname, format_type(a.atttypid, a.atttypmod)
       || case when a.attnotnull then ' not null' else '' end
       || case when a.attgenerated <> '' then ' generated always as ' || pg_get_expr(d.adbin, d.adrelid)
               when d.adbin is not null then ' default ' || pg_get_expr(d.adbin, d.adrelid) else '' end
       || case a.attidentity when 'a' then ' identity always' when 'd' then ' identity' else '' end
from relations as r join pg_catalog.pg_attribute as a on a.attrelid = r.oid
left join pg_catalog.pg_attrdef as d on d.adrelid = a.attrelid and d.adnum = a.attnum
where r.relkind in ('r', 'p', 'f') and a.attnum > 0 and not a.attisdropped
union all
select 'constraint', r.name, c.conname, pg_get_constraintdef(c.oid)
from relations as r join pg_catalog.pg_constraint as c on c.conrelid = r.oid where c.contype not in ('n', 't')
union all
select 'index', r.name, i.relname, pg_get_indexdef(i.oid) || case when x.indisvalid then '' else ' (not valid)' end
from relations as r join pg_catalog.pg_index as x on x.indrelid = r.oid
join pg_catalog.pg_class as i on i.oid = x.indexrelid where r.relkind in ('r', 'p')
union all
select 'trigger', r.name, t.tgname, pg_get_triggerdef(t.oid) || case t.tgenabled when 'D' then ' disabled' else '' end
from relations as r join pg_catalog.pg_trigger as t on t.tgrelid = r.oid where not t.tgisinternal
union all
select 'policy', r.name, p.polname, concat_ws(' ', p.polcmd, p.polpermissive, pg_get_expr(p.polqual, p.polrelid),
       pg_get_expr(p.polwithcheck, p.polrelid))
from relations as r join pg_catalog.pg_policy as p on p.polrelid = r.oid
union all
select 'view', r.name, '', pg_get_viewdef(r.oid) from relations as r where r.relkind in ('v', 'm')
union all
select 'sequence', r.name, '', '' from relations as r where r.relkind = 'S' and not exists (
  select from pg_catalog.pg_depend as d where d.objid = r.oid and d.deptype in ('a', 'i'))
union all
select 'type', s.nspname || '.' || t.typname, '', case t.typtype
         when 'e' then (select string_agg(e.enumlabel, ', ' order by e.enumsortorder) from pg_catalog.pg_enum as e
                        where e.enumtypid = t.oid)
         else format_type(t.typbasetype, t.typtypmod) || coalesce(' ' || (
           select string_agg(pg_get_constraintdef(c.oid), ' ' order by c.conname) from pg_catalog.pg_constraint as c
           where c.contypid = t.oid), '') end
from pg_catalog.pg_type as t join spaces as s on s.oid = t.typnamespace
where t.typtype in ('e', 'd')
  and not exists (select from foreigners as f where f.class = 'pg_catalog.pg_type'::regclass and f.oid = t.oid)
union all
select 'function', s.nspname || '.' || p.proname, pg_get_function_identity_arguments(p.oid), md5(p.prosrc)
from pg_catalog.pg_proc as p join spaces as s on s.oid = p.pronamespace
where not exists (select from foreigners as f where f.class = 'pg_catalog.pg_proc'::regclass and f.oid = p.oid)
order by 1, 2, 3
"""


@dataclass(frozen=True)
class Difference:
    """A part that one schema has and the other not, or that is another there; None where it is lacking."""

    kind: str
    table: str
    name: str
    expected: str | None
    found: str | None

    @property
    def told(self) -> str:
        """What is wrong, in a few words."""
        return "is lacking" if self.found is None else "is there, unasked" if self.expected is None else "differs"


def described(connection: psycopg.Connection[Any], versions: str = "alembic_version") -> dict[Part, str]:
    """Return what the schemas of a database are made of; the table of Alembic's own versions is left out."""
    with connection.transaction():
        connection.execute("set local search_path = ''")
        rows = connection.execute((_OURS + _PARTS).encode(), {"versions": versions}).fetchall()
    return {(str(kind), str(table), str(name)): str(text) for kind, table, name, text in rows}


def tables(schema: Schema) -> set[str]:
    """Return the tables of a schema, as "schema.table"."""
    return {table for kind, table, _ in schema if kind == "table"}


def columns(schema: Schema, table: str) -> dict[str, str]:
    """Return the columns of a table, and how each is defined."""
    return {name: text for (kind, of, name), text in schema.items() if kind == "column" and of == table}


def differences(expected: Schema, found: Schema, within: Collection[str] | None = None) -> Iterator[Difference]:
    """Yield what differs; of a table that one of them lacks, the table alone.

    Parameters
    ----------
    within
        Database schemas: of others, only what is expected is looked for.
    """
    lacking, extra = tables(expected) - tables(found), tables(found) - tables(expected)
    for part in sorted({*expected, *found}):
        kind, table, name = part
        if table in lacking | extra and kind != "table":
            continue
        if part not in expected and within is not None and table.partition(".")[0] not in within:
            continue
        if expected.get(part) != found.get(part):
            yield Difference(kind, table, name, expected.get(part), found.get(part))
