-- title: The refined rows of each key; of several the live one first.
select distinct on (k.place)
  k.place, f.row_id, f.deleted as gone, f.updated_at as refined_state, f.refined_at, f.built_from
from unnest(%(tenants)s::text[], %(ids)s::text[]) with ordinality as k (tenant, source_id, place)
join {refined} as f on f.tenant = k.tenant and f.source_id = k.source_id
order by k.place, f.deleted, f.row_id
