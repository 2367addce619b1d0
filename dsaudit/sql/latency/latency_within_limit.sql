-- title: 95 of 100 changes are in the refined table within the declared time
-- why: real time is promised; a slow path shows yesterday's data as today's
-- requirement: DS6.1
-- severity: high
-- scope: resource
-- having: webhooks
-- needs: raw.columns.changed_at or raw.columns.observed_at, raw.columns.refined_at, raw.columns.via
-- key: source_id
-- expect: latency_seconds
-- minimum: latency_samples
-- examined: select resource, examined, case when low > %(latency_seconds)s then 's (p95, at least)' else 's (p95, at most)' end as unit,
--   round((case when low > %(latency_seconds)s then low else high end)::numeric, 3) as value,
--   case when examined >= %(latency_samples)s and low <= %(latency_seconds)s and high > %(latency_seconds)s
--     then 'between ' || round(low::numeric, 3) || ' and ' || round(high::numeric, 3) || ' s, as the two clocks tell it: the limit lies in between'
--   end as reason
--   from (select resource, examined, p95 + %(clock_low)s - rounded as low, p95 + %(clock_high)s as high
--     from (select resource, count(*) as examined, max(rounded) as rounded,
--         percentile_cont(0.95) within group (order by seconds) as p95
--       from (select resource, extract(epoch from case when state = 'pending' then %(instant)s::timestamptz else refined_at end
--           - coalesce(changed_at, observed_at)) as seconds,
--         case when bool_and(extract(microseconds from coalesce(changed_at, observed_at)) %% 1000000 = 0) over (partition by resource)
--           then 1 else 0 end as rounded
--         from {raw} as r where by_webhook and not deleted and coalesce(changed_at, observed_at) is not null
--           and (state = 'pending' or (refined_at is not null and coalesce(state, 'processed') = 'processed'))
--           and received_at >= %(instant)s::timestamptz - make_interval(days => %(latency_days)s)) as changes
--       group by resource) as measured) as bounds
-- remedy: look at the slowest hop in the table of hops: the provider's sending, the receiver's answer, or the refinement
with changes as (
  -- What still waits has taken at least until now. What failed is counted among the failures.
  select tenant, resource, source_id, coalesce(changed_at, observed_at) as changed_at, received_at, refined_at,
         extract(epoch from case when state = 'pending' then %(instant)s::timestamptz else refined_at end
                            - coalesce(changed_at, observed_at)) as seconds
  from {raw} as r
  where by_webhook and not deleted and coalesce(changed_at, observed_at) is not null
    and (state = 'pending' or (refined_at is not null and coalesce(state, 'processed') = 'processed'))
    and received_at >= %(instant)s::timestamptz - make_interval(days => %(latency_days)s)
), measured as (
  -- A time of change in whole seconds may lie up to one second before the change.
  select resource, count(*) as changes, percentile_cont(0.95) within group (order by seconds) as p95,
         case when bool_and(extract(microseconds from changed_at) %% 1000000 = 0) then 1 else 0 end as rounded
  from changes group by resource
), slow as (
  select resource, %(clock_low)s - rounded as least from measured
  where changes >= %(latency_samples)s and p95 + %(clock_low)s - rounded > %(latency_seconds)s
)
select changes.resource, changes.tenant, changes.source_id, changes.changed_at, changes.received_at,
       changes.refined_at, round(changes.seconds::numeric, 3) as seconds
from changes join slow on slow.resource = changes.resource
where changes.seconds + slow.least > %(latency_seconds)s
order by changes.resource, changes.seconds desc, changes.tenant, changes.source_id, changes.changed_at, changes.received_at
