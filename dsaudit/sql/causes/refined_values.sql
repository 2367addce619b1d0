-- title: The values of the refined rows under each key's id, of the tenant itself or of the others.
select k.place, f.tenant, to_jsonb(f)::text as payload
from unnest(%(tenants)s::text[], %(ids)s::text[]) with ordinality as k (tenant, source_id, place)
join {refined} as f on f.source_id = k.source_id
where not f.deleted
  and (%(strangers)s and f.tenant <> k.tenant or not %(strangers)s and f.tenant = k.tenant)
order by k.place, f.tenant, f.row_id
