-- title: No record was received before it changed at the source
-- why: such a record means that a clock is wrong, and then no latency can be trusted
-- requirement: DS6.1
-- severity: low
-- scope: tenant, resource
-- having: webhooks
-- needs: raw.columns.changed_at or raw.columns.observed_at
-- key: source_id, row_id
-- examined: select tenant, resource, count(*) as examined from {raw} as r where coalesce(changed_at, observed_at) is not null group by 1, 2
-- explains: latency_within_limit
-- remedy: compare the clocks of the receiver and of the source; look at how the time zone is read
select tenant, resource, source_id, row_id, coalesce(changed_at, observed_at) as changed_at, received_at
from {raw} as r
where received_at < coalesce(changed_at, observed_at) - make_interval(secs => %(clock_error_seconds)s::double precision)
order by tenant, resource, source_id, row_id
