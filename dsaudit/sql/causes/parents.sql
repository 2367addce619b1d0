-- title: On which record each refined row hangs; of several rows of a key by the live one.
select distinct on (k.place) k.place, p.source_id as parent_id
from unnest(%(tenants)s::text[], %(ids)s::text[]) with ordinality as k (tenant, source_id, place)
join {child} as c on c.tenant = k.tenant and c.source_id = k.source_id
join {parent} as p on p.link = c.link and p.tenant = c.tenant
order by k.place, c.deleted, c.row_id, p.deleted, p.source_id
