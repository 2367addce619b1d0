-- title: Every run that began has an end
-- why: a run that says for ever that it is running was killed, and nobody was told; what it was to bring is missing
-- requirement: BS4
-- severity: high
-- scope: tenant, resource
-- having: sync
-- key: started_at
-- show: kind
-- examined: select tenant, resource, count(*) as examined from {syncs} as s where state <> 'skipped' group by 1, 2
-- remedy: look into the worker's log at that time (memory, restarts); let the next run mark what was left as running
-- A run is given three times as long as the longest that ended, a minute at least; where none has ended, an hour.
select tenant, resource, started_at, 'abandoned' as kind, task_id,
       extract(epoch from %(instant)s::timestamptz - started_at)::float8 as seconds, limit_seconds
from (
  select tenant, resource, started_at, ended_at, state, task_id,
         greatest(60, coalesce(3 * extract(epoch from max(case when state = 'success' then ended_at - started_at end)
           over (partition by tenant, resource)), 3600))::float8 as limit_seconds
  from {syncs} as s
) as runs
where state = 'running'
  and started_at < %(instant)s::timestamptz - make_interval(secs => limit_seconds)
order by tenant, resource, started_at, task_id
