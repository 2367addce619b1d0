-- title: What our tables have of deliveries that the application's log names: refused, accepted, and about which record.
select k.place, bool_or(not d.accepted) as refused, max(d.received_at) filter (where d.accepted) as accepted_at,
       min(d.tenant) as tenant, min(d.resource) as resource, min(d.source_id) as source_id
from unnest(%(deliveries)s::text[]) with ordinality as k (delivery_id, place)
join {deliveries} as d on d.delivery_id = k.delivery_id
group by k.place
order by k.place
