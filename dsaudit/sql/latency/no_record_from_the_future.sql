-- title: No record was received before it changed at the source, or refined before it was received
-- why: such a record means that a clock is wrong, and then no latency can be trusted
-- requirement: DS6.1
-- severity: low
-- scope: tenant, resource
-- having: webhooks
-- needs: raw.columns.changed_at or raw.columns.observed_at
-- key: source_id, row_id
-- show: hop
-- examined: select tenant, resource, dated as examined from {raw_rows} as r
-- explains: latency_within_limit
-- remedy: compare the clocks of the receiver and of the source; look at how the time zone is read
select tenant, resource, source_id, row_id, hop, earlier, later
from (
  -- Few rows are so, and only of these is it told which of the two steps it is.
  select tenant, resource, source_id, row_id, coalesce(changed_at, observed_at) as changed, received_at, refined_at
  from {raw} as r
  where received_at < coalesce(changed_at, observed_at) - make_interval(secs => %(clock_high)s::double precision)
     or refined_at < received_at - make_interval(secs => %(clock_error_seconds)s::double precision)
) as r
cross join lateral (
  -- The last column is by how much the earlier clock may be ahead of the later one, which for ours the file says.
  values (1, 'changed to stored', changed, received_at, %(clock_high)s::double precision),
         (2, 'stored to refined', received_at, refined_at, %(clock_error_seconds)s::double precision)
) as hops (number, hop, earlier, later, apart)
where later < earlier - make_interval(secs => apart)
order by tenant, resource, source_id, row_id, number
