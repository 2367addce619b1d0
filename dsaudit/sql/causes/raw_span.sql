-- title: Since when anything of a resource was received, and when it came by webhook last.
select r.tenant, r.resource as top_resource, min(r.received_at) as raw_since,
       max(r.received_at) filter (where r.by_webhook) as last_webhook
from {raw} as r
group by 1, 2
order by 1, 2
