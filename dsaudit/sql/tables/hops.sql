-- title: Seconds from the change at the source to the refined row, of each change that came by webhook
-- having: webhooks
select resource,
       extract(epoch from case when state = 'pending' then %(instant)s::timestamptz else refined_at end
                          - coalesce(changed_at, observed_at))::double precision as together,
       %(latency_seconds)s::double precision as limit_seconds
from {raw} as r
where by_webhook and not deleted and coalesce(changed_at, observed_at) is not null
  and (state = 'pending' or (refined_at is not null and coalesce(state, 'processed') = 'processed'))
  and received_at >= %(instant)s::timestamptz - make_interval(days => %(latency_days)s)
order by 1, 2
