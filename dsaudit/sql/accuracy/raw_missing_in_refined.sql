-- title: Every object that was received is in its refined table
-- why: received and not refined means: paid for, stored, and found by nobody; what was skipped on purpose, or is marked
--   deleted there, is judged against the source
-- requirement: DS5.1
-- severity: critical
-- each: resource
-- scope: tenant
-- key: source_id
-- show: newest_raw_row, state
-- examined: select tenant, count(distinct source_id) as examined from {raw} as r
--   where resource = %(resource_name)s and not deleted group by 1
-- explains: source_missing_in_refined
-- remedy: refine the newest raw rows of these objects again
select newest.tenant, newest.source_id, newest.row_id as newest_raw_row, newest.state, newest.received_at
from (
  select distinct on (tenant, source_id) tenant, source_id, row_id, state, received_at, deleted
  from {raw} as r
  where resource = %(resource_name)s
    -- First, as of few objects the newest version has to be found then. Not every way of deleting leaves a raw row:
    -- whether a row is marked deleted by right, its source says, if it is read.
    and not exists (
      select from {refined} as f
      where f.tenant = r.tenant and f.source_id = r.source_id and (not f.deleted or %(at_source)s)
    )
  order by tenant, source_id, version desc
) as newest
where not newest.deleted and newest.state is distinct from 'skipped'
  -- What was received a moment ago and is about to be refined is not late yet. A time that had not yet been is wrong.
  and not (coalesce(newest.state, 'pending') = 'pending'
           and newest.received_at between
             %(instant)s::timestamptz - make_interval(secs => %(in_flight_seconds)s::double precision)
             and %(instant)s::timestamptz + make_interval(secs => %(clock_error_seconds)s::double precision))
order by newest.tenant, newest.source_id
