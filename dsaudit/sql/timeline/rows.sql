-- title: The refined rows under each key's id.
select k.place, f.tenant, f.row_id, f.updated_at, f.refined_at, f.built_from, f.deleted
from unnest(%(tenants)s::text[], %(ids)s::text[]) with ordinality as k (tenant, source_id, place)
join {refined} as f on f.tenant = k.tenant and f.source_id = k.source_id
order by k.place, f.deleted desc, f.row_id
