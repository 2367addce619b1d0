-- title: Tables with the integration's prefix that the parameter file does not name
-- show: schema, table
select n.nspname::text as schema, c.relname::text as table, c.reltuples::bigint as rows_estimated
from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and starts_with(c.relname, %(table_prefix)s)
  and not (c.relname = any(%(declared_tables)s) or n.nspname || '.' || c.relname = any(%(declared_tables)s))
order by 1, 2
