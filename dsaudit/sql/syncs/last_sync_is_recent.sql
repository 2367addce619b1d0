-- title: Every resource was synced within the declared time
-- why: webhooks get lost; the regular sync is what finds what they did not bring
-- requirement: DS2.2
-- severity: low
-- scope: tenant, resource
-- having: sync
-- key: last_ended
-- examined: select tenant, resource, count(*) as examined from {syncs} as s
--   where state = 'success' group by 1, 2
-- remedy: look at the schedule of the sync, or raise policy.sync_age_days
select tenant, resource, max(ended_at) as last_ended
from {syncs} as s
where state = 'success'
group by tenant, resource
having max(ended_at) < %(instant)s::timestamptz - make_interval(secs => %(sync_age_days)s::double precision * 86400)
order by tenant, resource
