-- title: What each of these raw rows is a version of.
select k.place, r.tenant as of_tenant, r.resource as of_resource, r.source_id as of_id, r.received_at as of_received
from unnest(%(rows)s::text[]) with ordinality as k (row_id, place)
join {raw} as r on r.row_id = k.row_id
order by k.place
