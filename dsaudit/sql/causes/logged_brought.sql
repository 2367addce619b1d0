-- title: When a raw row of deliveries that the application's log names was stored.
select k.place, max(r.received_at) as received_at
from unnest(%(deliveries)s::text[]) with ordinality as k (delivery_id, place)
join {raw} as r on r.delivery_id = k.delivery_id
group by k.place
order by k.place
