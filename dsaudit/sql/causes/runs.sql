-- title: The last two runs of every resource's sync that ended well, and the last two that did not.
select tenant, resource, started_at, ended_at, fetched, pages, watermark, error, state, completed
from (
  select s.tenant, s.resource, s.started_at, s.ended_at, s.fetched, s.pages, s.watermark, s.error, s.state,
         s.state = 'success' as completed,
         row_number() over (
           partition by s.tenant, s.resource, s.state = 'success'
           order by s.started_at desc
         ) as place
  from {syncs} as s
  where s.state <> 'skipped'
) as ranked
where place <= 2
order by tenant, resource, started_at desc, completed
