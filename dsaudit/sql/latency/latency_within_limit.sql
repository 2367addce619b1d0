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
-- examined: select resource, examined, 's (p95)' as unit, round(p95::numeric, 3) as value,
--   case when examined >= %(latency_samples)s and p95 <= %(latency_seconds)s + %(clock_error_seconds)s
--     and p95 >= %(latency_seconds)s - %(clock_error_seconds)s
--     then 'the limit lies within what the two clocks may be apart' end as reason
--   from (select resource, count(*) as examined, percentile_cont(0.95) within group (order by extract(epoch from
--       case when state = 'pending' then %(instant)s::timestamptz else refined_at end
--       - coalesce(changed_at, observed_at))) as p95
--     from {raw} as r where by_webhook and not deleted and coalesce(changed_at, observed_at) is not null
--       and (state = 'pending' or (refined_at is not null and coalesce(state, 'processed') = 'processed'))
--       and received_at >= %(instant)s::timestamptz - make_interval(days => %(latency_days)s) group by 1) as changes
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
), slow as (
  select resource from changes group by resource
  having percentile_cont(0.95) within group (order by seconds) > %(latency_seconds)s + %(clock_error_seconds)s
     and count(*) >= %(latency_samples)s
)
select changes.resource, changes.tenant, changes.source_id, changes.changed_at, changes.received_at,
       changes.refined_at, round(changes.seconds::numeric, 3) as seconds
from changes join slow on slow.resource = changes.resource
where changes.seconds > %(latency_seconds)s
order by changes.resource, changes.seconds desc, changes.tenant, changes.source_id, changes.changed_at, changes.received_at
