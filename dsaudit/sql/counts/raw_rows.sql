-- title: Raw rows by tenant and resource: how many have a hash, a delivery, a time of change, failed; how many are of today
select tenant, resource, count(*) as rows, count(content_hash) as hashed, count(delivery_id) as delivered,
       count(coalesce(changed_at, observed_at)) as dated,
       count(*) filter (where state = 'error') as failed,
       count(*) filter (where received_at >= %(instant)s::timestamptz - interval '24 hours') as late,
       count(*) filter (where state = 'error'
                          and received_at >= %(instant)s::timestamptz - interval '24 hours') as late_failed
from {raw} as r
group by tenant, resource
