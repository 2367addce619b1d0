-- title: No run begins or ends in the future
-- why: then the clock of a worker is ahead of the database's, and every age and every order of runs is wrong
-- requirement: BS4
-- severity: low
-- scope: tenant, resource
-- having: sync
-- key: started_at
-- show: which
-- examined: select tenant, resource, count(*) as examined from {syncs} as s group by 1, 2
-- remedy: set the worker's clock by a time server; look at how the time zone of started_at is written
select tenant, resource, started_at, which, time, extract(epoch from time - %(instant)s::timestamptz)::float8 as seconds
from {syncs} as s
cross join lateral (values ('started_at', started_at), ('ended_at', ended_at)) as told (which, time)
where time > %(instant)s::timestamptz + make_interval(secs => %(clock_error_seconds)s::double precision)
order by tenant, resource, time, which
