-- title: Seconds from the change at the source to the refined row, by the time of the change
-- show: resource
-- having: webhooks
-- needs: raw.columns.via, raw.columns.refined_at
select resource, date_bin(step, changed_at, timestamptz '2000-01-01') as time, count(*) as changes,
       round(percentile_cont(0.5) within group (order by seconds)::numeric, 3) as median,
       round(percentile_cont(0.95) within group (order by seconds)::numeric, 3) as p95,
       extract(epoch from step)::double precision as seconds, %(latency_seconds)s::double precision as limit_seconds
from (
  -- At most a hundred intervals or so over the width of a plot.
  select *, case when extent < interval '2 minutes' then interval '1 second'
                 when extent < interval '100 minutes' then interval '1 minute'
                 when extent < interval '17 hours' then interval '10 minutes'
                 when extent < interval '4 days' then interval '1 hour'
                 else interval '6 hours' end as step
  from (
    select resource, coalesce(changed_at, observed_at) as changed_at,
           extract(epoch from case when state = 'pending' then %(instant)s::timestamptz else refined_at end
                              - coalesce(changed_at, observed_at)) as seconds,
           max(coalesce(changed_at, observed_at)) over () - min(coalesce(changed_at, observed_at)) over () as extent
    from {raw} as r
    where by_webhook and not deleted and coalesce(changed_at, observed_at) is not null
      and (state = 'pending' or (refined_at is not null and coalesce(state, 'processed') = 'processed'))
      and received_at >= %(instant)s::timestamptz - make_interval(days => %(latency_days)s)
  ) as timed
) as changes
group by 1, 2, step
order by 1, 2
