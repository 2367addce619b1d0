-- title: The last sync of every resource ended without an error
-- why: a sync that broke off has read a part, and what lies behind the break is missing
-- requirement: DS2.2
-- severity: high
-- scope: tenant, resource
-- having: sync
-- key: started_at
-- examined: select tenant, resource, count(*) as examined from {syncs} as s
--   where state <> 'skipped'
--     and not (state = 'running' and word is not null and started_at > %(instant)s::timestamptz - interval '1 hour')
--   group by 1, 2
-- explains: source_missing_in_raw, source_missing_in_refined
-- remedy: read the error, mend its cause, and run the sync again from its last watermark
select tenant, resource, started_at, ended_at, fetched, pages, error
from (
  select s.*, row_number() over (partition by tenant, resource order by started_at desc) as age
  from {syncs} as s
  -- One that found itself switched off has read nothing, and says nothing of the one before. One that says that it
  -- is running may well be.
  where state <> 'skipped'
    and not (state = 'running' and word is not null and started_at > %(instant)s::timestamptz - interval '1 hour')
) as runs
where age = 1 and state <> 'success'
order by tenant, resource
