-- title: Every constraint and index of the database is enforced
-- why: a constraint added as NOT VALID has never looked at the rows before it, and a unique index whose building broke
--   off keeps nothing unique; both look complete in a list of the schema
-- requirement: DS1.2, DI3
-- severity: high
-- key: name, table
-- show: schema, table, name, problem, statement
-- examined: select count(*) as examined from (
--   select conrelid as oid from pg_constraint union all select indrelid from pg_index) as x
--   join pg_class as c on c.oid = x.oid join pg_namespace as n on n.oid = c.relnamespace
--   where n.nspname !~ '^pg_'
-- explains: orphans, one_refined_row_per_source_id
-- remedy: mend the rows that break it, then run the statement that the table shows
select n.nspname::text as schema, c.relname::text as table, x.name, x.problem,
       case when x.of_index then format('reindex index concurrently %%I.%%I', n.nspname, x.name)
            else format('alter table %%I.%%I validate constraint %%I', n.nspname, c.relname, x.name) end as statement
from (
  select conrelid as oid, conname::text as name, 'the constraint was never validated' as problem, false as of_index
  from pg_constraint where not convalidated
  union all
  select i.indrelid, own.relname::text, 'the index is not valid', true
  from pg_index as i join pg_class as own on own.oid = i.indexrelid
  where not i.indisvalid or not i.indisready or not i.indislive
) as x
join pg_class as c on c.oid = x.oid
join pg_namespace as n on n.oid = c.relnamespace
where n.nspname !~ '^pg_'
order by 1, 2, 3, 4
