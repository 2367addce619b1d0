-- title: What the log of received webhooks has of each key since its change, and after what was stored of it last.
select k.place,
  max(d.received_at) filter (where d.accepted) as accepted_at,
  -- A repetition of what was stored was sent before that.
  max(d.received_at) filter (where d.accepted and d.sent_at::timestamptz
                                   > k.stored + make_interval(secs => %(clock_high)s::double precision)) as sent_later_at,
  max(d.received_at) filter (where d.outcome = any(%(rejected_values)s)) as rejected_at,
  count(*) filter (where d.outcome = any(%(rejected_values)s)) as rejected,
  max(d.received_at) filter (where not d.accepted and d.outcome <> all(%(rejected_values)s)) as refused_at,
  count(*) filter (where not d.accepted and d.outcome <> all(%(rejected_values)s)) as refused,
  max(d.received_at) filter (where d.accepted and d.topic = any(%(deletion_topics)s::text[])) as deletion_at
from unnest(%(tenants)s::text[], %(resources)s::text[], %(ids)s::text[], %(since)s::timestamptz[],
            %(stored)s::timestamptz[])
  with ordinality as k (tenant, resource, source_id, since, stored, place)
join {deliveries} as d on d.resource = k.resource and d.source_id = k.source_id
where coalesce(d.tenant, k.tenant) = k.tenant
  and coalesce(d.sent_at::timestamptz, d.received_at) >= k.since
  and d.received_at > coalesce(k.stored, '-infinity')
group by k.place
order by k.place
