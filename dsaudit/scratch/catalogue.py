"""The queries that read the copy's catalogue; run with an empty search_path, so that every name comes out whole."""

from __future__ import annotations

TABLES = """
select c.oid::bigint as oid, n.nspname as schema, c.relname as name, c.relkind = 'p' as is_partitioned,
       c.relrowsecurity as row_security, c.relforcerowsecurity as forced,
       (select pn.nspname || '.' || p.relname from pg_inherits as i join pg_class as p on p.oid = i.inhparent
        join pg_namespace as pn on pn.oid = p.relnamespace
        where i.inhrelid = c.oid and c.relispartition) as partition_of,
       (select string_agg('(' || pg_get_partition_constraintdef(l.relid) || ')', ' or ')
        from pg_partition_tree(c.oid) as l where c.relkind = 'p' and l.isleaf
          and pg_get_partition_constraintdef(l.relid) !~ 'satisfies_hash_partition') as bounds
from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and n.nspname = any(%(schemas)s)
order by 2, 3
"""

COLUMNS = """
with recursive below as (
  select a.attrelid, a.attnum, a.atttypid as type, a.atttypmod as modifier
  from pg_attribute as a where a.attrelid = any(%(tables)s) and a.attnum > 0 and not a.attisdropped
  union all
  select b.attrelid, b.attnum, t.typbasetype, case when t.typtypmod >= 0 then t.typtypmod else b.modifier end
  from below as b join pg_type as t on t.oid = b.type where t.typtype = 'd'
)
select a.attrelid::bigint as oid, a.attname as name, format_type(a.atttypid, a.atttypmod) as type, b.modifier,
       case when e.typtype = 'b' and e.typnamespace = 'pg_catalog'::regnamespace and e.oid < 16384 then e.typname
            else format_type(e.oid, null) end as base,
       e.typtype::text as kind, t.typcategory = 'A' and t.typelem <> 0 as is_array, not a.attnotnull as nullable,
       pg_get_expr(d.adbin, d.adrelid) as default, a.attgenerated::text as generated, a.attidentity::text as identity,
       case when a.attgenerated <> '' then array(
         select distinct s.attname::text from pg_depend as p join pg_attribute as s
           on s.attrelid = p.refobjid and s.attnum = p.refobjsubid
         where p.refclassid = 'pg_class'::regclass and p.refobjid = a.attrelid and p.refobjsubid > 0
           and s.attnum <> a.attnum and (p.classid = 'pg_attrdef'::regclass and p.objid = d.oid
             or p.classid = 'pg_class'::regclass and p.objid = a.attrelid and p.objsubid = a.attnum)
         order by 1) else '{}' end as computed_from,
       array(select l.enumlabel::text from pg_enum as l where l.enumtypid = e.oid order by l.enumsortorder) as labels,
       case when o.typtype = 'd' then a.atttypid::bigint end as domain,
       (select format_type(r.rngsubtype, null) from pg_range as r where r.rngtypid = e.oid) as part
from pg_attribute as a
join below as b on b.attrelid = a.attrelid and b.attnum = a.attnum
join pg_type as t on t.oid = b.type and t.typtype <> 'd'
join pg_type as e on e.oid = case when t.typcategory = 'A' and t.typelem <> 0 then t.typelem else t.oid end
join pg_type as o on o.oid = a.atttypid
left join pg_attrdef as d on d.adrelid = a.attrelid and d.adnum = a.attnum
order by a.attrelid, a.attnum
"""

DOMAINS = """
with recursive below as (
  select t.oid as domain, t.oid as type, t.typnotnull as not_null, t.typbasetype as base
  from pg_type as t where t.typtype = 'd'
  union all
  select b.domain, t.oid, t.typnotnull, t.typbasetype from below as b join pg_type as t on t.oid = b.base
  where t.typtype = 'd'
)
select b.domain::bigint as oid, format_type(b.domain, null) as name, bool_or(b.not_null) as not_null,
       array(select array[c.conname::text, pg_get_expr(c.conbin, 0)] from pg_constraint as c join below as x
             on x.type = c.contypid where x.domain = b.domain and c.contype = 'c' order by 1) as checks
from below as b group by b.domain
"""

KEYS = """
select i.indrelid::bigint as oid, c.relname as name, i.indisprimary as is_primary, i.indisexclusion as is_exclusion,
       array(select distinct a.attname::text from pg_attribute as a where a.attrelid = i.indrelid and (
         a.attnum = any(i.indkey[0:i.indnkeyatts - 1]::int2[])
         or exists (select from pg_depend as p where p.classid = 'pg_class'::regclass and p.objid = i.indexrelid
                    and p.refclassid = 'pg_class'::regclass and p.refobjid = i.indrelid and p.refobjsubid = a.attnum)
         and (i.indexprs is not null or i.indpred is not null)
         and a.attnum <> all(coalesce(i.indkey[i.indnkeyatts:]::int2[], '{}'))) order by 1) as columns,
       array(select a.attname::text from unnest(i.indkey[0:i.indnkeyatts - 1]::int2[]) with ordinality as k (n, o)
             left join pg_attribute as a on a.attrelid = i.indrelid and a.attnum = k.n order by k.o) as plain,
       array(select p.oprname::text from pg_constraint as x, unnest(x.conexclop) with ordinality as u (op, o)
             join pg_operator as p on p.oid = u.op where x.conindid = i.indexrelid and x.contype = 'x' order by u.o)
         as operators,
       pg_get_expr(i.indpred, i.indrelid) as predicate, i.indexprs is null as is_plain,
       pg_get_indexdef(i.indexrelid) ~* ' nulls not distinct' as nulls_not_distinct,
       case when i.indexprs is not null then array(select pg_get_indexdef(i.indexrelid, k, false)
         from generate_series(1, i.indnkeyatts) as k) else '{}' end as expressions,
       c.relispartition as inherited, i.indimmediate as is_immediate, i.indisunique or i.indisexclusion as is_key,
       pg_get_indexdef(i.indexrelid) as definition
from pg_index as i join pg_class as c on c.oid = i.indexrelid
where i.indrelid = any(%(tables)s) and i.indisvalid
order by 1, 2
"""

CHECKS = """
select c.conrelid::bigint as oid, c.conname as name, pg_get_expr(c.conbin, c.conrelid) as expression,
       c.convalidated as validated, c.coninhcount > 0 as inherited,
       array(select a.attname::text from unnest(c.conkey) as k (n) join pg_attribute as a
             on a.attrelid = c.conrelid and a.attnum = k.n order by a.attnum) as columns
from pg_constraint as c where c.contype = 'c' and c.conrelid = any(%(tables)s)
order by 1, 2
"""

# The column list of "set null (columns)" is there from major 15 on.
FOREIGNS = """
select c.conrelid::bigint as oid, c.conname as name, n.nspname || '.' || p.relname as parent,
       array(with recursive parts (oid) as (
               select c.oid union all select x.oid from pg_constraint as x join parts on x.conparentid = parts.oid
             ) select distinct x.conname::text from parts join pg_constraint as x on x.oid = parts.oid order by 1
       ) as names,
       array(select a.attname::text from unnest(c.conkey) with ordinality as k (n, o) join pg_attribute as a
             on a.attrelid = c.conrelid and a.attnum = k.n order by k.o) as columns,
       array(select a.attname::text from unnest(c.confkey) with ordinality as k (n, o) join pg_attribute as a
             on a.attrelid = c.confrelid and a.attnum = k.n order by k.o) as keys,
       case c.confdeltype when 'a' then 'no_action' when 'r' then 'restrict' when 'c' then 'cascade'
                          when 'n' then 'set_null' else 'set_default' end as on_delete,
       array(select a.attname::text from pg_attribute as a where a.attrelid = c.conrelid and a.attnum in (
         select jsonb_array_elements_text(coalesce(nullif(to_jsonb(c) -> 'confdelsetcols', 'null'), '[]'))::int))
         as set_columns,
       c.condeferrable as deferrable, c.convalidated as validated, c.conparentid <> 0 as inherited
from pg_constraint as c join pg_class as p on p.oid = c.confrelid join pg_namespace as n on n.oid = p.relnamespace
where c.contype = 'f' and c.conrelid = any(%(tables)s)
  -- To a partitioned parent there is one more for each partition.
  and not exists (select from pg_constraint as w where w.oid = c.conparentid and w.conrelid = c.conrelid)
order by 1, 2
"""

POLICIES = """
select p.polrelid::bigint as oid, p.polname as name, p.polpermissive as permissive,
       case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete'
                     else 'all' end as command,
       array(select r.rolname::text from pg_roles as r where r.oid = any(p.polroles) order by 1) as roles,
       pg_get_expr(p.polqual, p.polrelid) as using, pg_get_expr(p.polwithcheck, p.polrelid) as "check"
from pg_policy as p where p.polrelid = any(%(tables)s)
order by 1, 2
"""
