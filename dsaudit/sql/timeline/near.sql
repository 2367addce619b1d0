-- title: Rows that have a value like an id in another column, or an id that begins with it; of a large table a part.
select tenant, source_id, field
from (
  select f.tenant, f.source_id, f.deleted, e.key as field, e.value
  from (select * from {refined} as f limit 20000) as f
  cross join jsonb_each_text(to_jsonb(f)) as e
) as named
where not deleted
  and (field = any(%(fields)s) and value in (%(of_id)s, '#' || %(of_id)s)
       or field = 'source_id' and starts_with(value, %(of_id)s || %(separator)s::text))
order by tenant, source_id, field
limit 5
