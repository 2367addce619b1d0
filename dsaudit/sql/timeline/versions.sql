-- title: The versions received under each key's id, in the order in which the source made them; of many the newest.
select *
from (
  select k.place, r.tenant, r.resource, r.source_id, r.row_id, r.state, r.error, r.deleted, r.via, r.by_webhook,
         r.content_hash, r.delivery_id, r.changed_at, r.received_at, r.refined_at, r.payload::text as payload,
         row_number() over (partition by k.place order by r.version desc) as from_newest,
         count(*) over (partition by k.place) as versions
  from unnest(%(tenants)s::text[], %(resources)s::text[], %(ids)s::text[])
    with ordinality as k (tenant, resource, source_id, place)
  join {raw} as r on r.tenant = k.tenant and r.resource = k.resource and r.source_id = k.source_id
) as ranked
where from_newest <= %(most_rows)s
order by place, from_newest desc
