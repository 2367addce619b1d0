-- title: What the raw table has of records that the application's log names: failed or waiting, and when it was last touched.
select k.place, bool_or(r.state in ('error', 'pending', 'held')) as open,
       max(r.received_at) as received_at, max(r.refined_at) as refined_at
from unnest(%(tenants)s::text[], %(resources)s::text[], %(ids)s::text[])
  with ordinality as k (tenant, resource, source_id, place)
join {raw} as r on r.resource = k.resource and r.source_id = k.source_id
where coalesce(k.tenant, r.tenant) = r.tenant
group by k.place
order by k.place
