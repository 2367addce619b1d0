-- title: Every refined row is built from the newest version of its object
-- why: a row built from an older version shows yesterday's state, although today's was received
-- requirement: DS4.2
-- severity: high
-- each: resource
-- scope: tenant
-- having: built_from
-- key: source_id
-- show: built_from_row, newest_row
-- examined: select tenant, count(*) as examined from {refined} as f where exists (select from {raw} as r
--   where r.resource = %(resource_name)s and r.tenant = f.tenant and r.source_id = f.source_id) group by 1
-- explains: field_differences
-- remedy: refine the object again from its newest raw row; let an older version never overwrite a newer one
select f.tenant, f.source_id, f.built_from as built_from_row, newest.row_id as newest_row, newest.received_at
from {refined} as f
join (
  select distinct on (tenant, source_id) tenant, source_id, row_id, received_at, state, deleted
  from {raw} as r
  where resource = %(resource_name)s
  order by tenant, source_id, version desc
) as newest on newest.tenant = f.tenant and newest.source_id = f.source_id
where f.built_from is distinct from newest.row_id
  -- One deletion is as good as another.
  and not (f.deleted and newest.deleted)
  -- What was received a moment ago and is about to be refined is not late yet. A time that had not yet been is wrong.
  and not (coalesce(newest.state, 'pending') = 'pending'
           and newest.received_at between
             %(instant)s::timestamptz - make_interval(secs => %(in_flight_seconds)s::double precision)
             and %(instant)s::timestamptz + make_interval(secs => %(clock_error_seconds)s::double precision))
order by f.tenant, f.source_id, f.row_id
