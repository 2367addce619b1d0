-- title: An initial sync has run to its end for every resource
-- why: before the first whole read, what is missing cannot be told from what was never asked for
-- requirement: DS0
-- severity: high
-- scope: tenant, resource
-- having: sync
-- key: first_started
-- examined: select tenant, resource, count(*) as examined from {syncs} as s group by 1, 2
-- explains: source_missing_in_raw, source_missing_in_refined
-- remedy: run the resource's sync function once without a watermark
select tenant, resource, min(started_at) as first_started, count(*) as runs
from {syncs} as s
group by tenant, resource
having count(*) filter (where state = 'success') = 0
order by tenant, resource
