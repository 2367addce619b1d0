-- title: Records come both by webhook and by the regular sync
-- why: the one brings changes at once, the other finds what the first has lost; alone, neither is enough
-- requirement: DS7.1
-- severity: high
-- scope: tenant
-- needs: webhooks, raw.columns.via
-- key: way
-- show: way
-- examined: select tenant, sum(rows) as examined from {raw_rows} as r group by 1
-- explains: webhooks_arrive
-- remedy: see whether the subscriptions are registered and the sync is scheduled, and how raw records are labelled
select tenant, way, records
from (select tenant, count(*) filter (where by_webhook) as webhook, count(*) filter (where not by_webhook) as sync
      from {raw} as r group by tenant) as counted
cross join lateral (values ('webhook', webhook), ('sync', sync)) as ways (way, records)
where records = 0
order by tenant, way
