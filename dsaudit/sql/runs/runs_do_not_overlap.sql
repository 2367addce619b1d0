-- title: No two runs of a sync are under way at the same time
-- why: two runs that read the same page each write what the other wrote, and each counts it as new
-- requirement: BS4
-- severity: low
-- scope: tenant, resource
-- having: sync
-- key: started_at
-- examined: select tenant, resource, count(*) as examined from {syncs} as s
--   where state <> 'skipped' and started_at >= %(instant)s::timestamptz - make_interval(days => %(latency_days)s)
--   group by 1, 2
-- remedy: let the task take a lock before it notes that it has begun; set the interval longer than a run takes
select tenant, resource, started_at, ended_at, busy_until,
       -- Low, as the history cannot tell a run that works from one that waits for the lock of another: an overlap is a
       -- reason to look, and no damage yet.
       extract(epoch from least(ended_at, busy_until) - started_at)::float8 as seconds
from (
  select tenant, resource, started_at, ended_at, state,
         max(ended_at) over (
           partition by tenant, resource
           order by started_at, ended_at, task_id
           rows between unbounded preceding and 1 preceding
         ) as busy_until
  from {syncs} as s
  where state <> 'skipped'
) as runs
where busy_until > started_at + make_interval(secs => %(clock_error_seconds)s::double precision)
  and started_at >= %(instant)s::timestamptz - make_interval(days => %(latency_days)s)
order by tenant, resource, started_at, ended_at
