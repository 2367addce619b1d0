-- title: The newest version received of each key, and when anything of it was received last.
select distinct on (k.place)
  k.place, r.row_id as raw_row, r.state as raw_state, r.error as raw_error, r.deleted as raw_deleted,
  r.received_at as raw_received, r.changed_at as raw_changed,
  max(r.received_at) over (partition by k.place) as last_received,
  count(*) over (partition by k.place) as versions
from unnest(%(tenants)s::text[], %(resources)s::text[], %(ids)s::text[])
  with ordinality as k (tenant, resource, source_id, place)
join {raw} as r on r.tenant = k.tenant and r.resource = k.resource and r.source_id = k.source_id
order by k.place, r.version desc
