-- title: Seconds for each hop of the changes that came by webhook
-- show: hop
-- having: webhooks
select resource, hop, count(*) as changes, round(min(seconds), 3) as least,
       round(percentile_cont(0.5) within group (order by seconds)::numeric, 3) as median,
       round(percentile_cont(0.95) within group (order by seconds)::numeric, 3) as p95,
       round(percentile_cont(0.99) within group (order by seconds)::numeric, 3) as p99, round(max(seconds), 3) as most
from (
  select resource, extract(epoch from received_at - coalesce(changed_at, observed_at)) as to_stored,
         extract(epoch from refined_at - received_at) as to_refined,
         extract(epoch from refined_at - coalesce(changed_at, observed_at)) as together
  from {raw} as r
  where by_webhook and not deleted and refined_at is not null and coalesce(state, 'processed') = 'processed'
    and coalesce(changed_at, observed_at) is not null
    and received_at >= %(instant)s::timestamptz - make_interval(days => %(latency_days)s)
) as changes
cross join lateral (
  values (1, 'changed to stored', to_stored), (2, 'stored to refined', to_refined), (3, 'together', together)
) as hops (number, hop, seconds)
group by resource, number, hop
order by resource, number
