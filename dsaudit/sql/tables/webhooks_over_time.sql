-- title: Webhooks received in each interval of time, by tenant
-- show: tenant
-- needs: raw.columns.via
with webhooks as (
  select tenant, received_at from {raw} as r
  where by_webhook and received_at >= %(instant)s::timestamptz - make_interval(days => %(latency_days)s)
), steps as (
  select case when max(received_at) - min(received_at) < interval '10 minutes' then interval '1 second'
              when max(received_at) - min(received_at) < interval '8 hours' then interval '1 minute'
              when max(received_at) - min(received_at) < interval '4 days' then interval '10 minutes'
              when max(received_at) - min(received_at) < interval '90 days' then interval '6 hours'
              else interval '1 day' end as step
  from webhooks
)
select tenant, date_bin(step, received_at, timestamptz '2000-01-01') as time, count(*) as records,
       extract(epoch from step)::double precision as seconds, %(instant)s::timestamptz as until
from webhooks cross join steps
group by 1, 2, 4
order by 2, 1
