-- title: Seconds from the provider's sending to the arrival of each delivery, by topic
-- show: topic
select topic, count(*) as deliveries, count(*) filter (where not accepted) as refused,
       count(distinct delivery_id) as different,
       round(percentile_cont(0.5) within group (order by seconds)::numeric, 3) as median,
       round(percentile_cont(0.95) within group (order by seconds)::numeric, 3) as p95,
       round(percentile_cont(0.99) within group (order by seconds)::numeric, 3) as p99, round(max(seconds), 3) as most
from (
  select topic, delivery_id, accepted, extract(epoch from received_at - sent_at) as seconds
  from {deliveries} as d
  where received_at >= %(instant)s::timestamptz - make_interval(days => %(latency_days)s)
) as arrivals
group by topic
order by topic
