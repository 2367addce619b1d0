-- title: The payloads received under each key's id: of one row where it is named, else of all, the newest first.
select k.place, r.tenant, r.row_id, coalesce(r.payload::text, 'null') as payload
from unnest(%(tenants)s::text[], %(resources)s::text[], %(ids)s::text[], %(rows)s::text[])
  with ordinality as k (tenant, resource, source_id, row_id, place)
join {raw} as r on r.resource = k.resource and r.source_id = k.source_id
where not r.deleted
  and (%(strangers)s and r.tenant <> k.tenant or not %(strangers)s and r.tenant = k.tenant)
  and (k.row_id is null or r.row_id = k.row_id)
order by k.place, r.version desc
