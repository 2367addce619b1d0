-- title: Text columns of declared tables with a limit of length (a longer value fails its whole record)
-- key: table, column
-- show: table, column, type
select c.relname::text as table, a.attname::text as column, format_type(a.atttypid, a.atttypmod) as type
from pg_attribute as a
join pg_class as c on c.oid = a.attrelid
join pg_namespace as n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped
  and a.atttypid in ('varchar'::regtype, 'bpchar'::regtype) and a.atttypmod > 0
  and (c.relname = any(%(declared_tables)s) or concat(n.nspname, '.', c.relname) = any(%(declared_tables)s))
order by 1, 2
