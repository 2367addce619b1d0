-- title: The received webhooks that name an object, or that brought one of its versions; of many the latest.
select *
from (
  select d.delivery_id, d.tenant, d.topic, d.sent_at, d.received_at, d.outcome, d.accepted,
         row_number() over (order by d.received_at desc, d.delivery_id) as from_latest,
         count(*) over () as deliveries
  from {deliveries} as d
  where coalesce(d.tenant, %(of_tenant)s) = %(of_tenant)s
    and (d.resource = %(of_resource)s and d.source_id = %(of_id)s or d.delivery_id = any(%(brought)s::text[]))
) as ranked
where from_latest <= %(most_rows)s
order by from_latest desc
