-- title: The tenant from whose account the delivery came that brought each of these raw rows, where it is another one.
select k.place, min(d.tenant) as sent_by
from unnest(%(rows)s::text[]) with ordinality as k (row_id, place)
join {raw} as r on r.row_id = k.row_id
join {deliveries} as d on d.delivery_id = r.delivery_id
where d.accepted
group by k.place, r.tenant
having count(*) filter (where d.tenant = r.tenant) = 0
order by k.place
