-- title: The sync runs of a resource that ended after a time, with what the run before had got up to.
select *
from (
  select s.started_at, s.ended_at, s.fetched, s.pages, s.watermark, s.error, s.state,
         lag(s.watermark) over (order by s.started_at) as watermark_before,
         row_number() over (order by s.started_at desc) as from_latest
  from {syncs} as s
  where s.tenant = %(of_tenant)s and s.resource = %(of_resource)s
) as ranked
where coalesce(ended_at, started_at) >= %(since)s::timestamptz and from_latest <= %(most_rows)s
order by started_at, from_latest desc
