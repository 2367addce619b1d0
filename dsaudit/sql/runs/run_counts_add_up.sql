-- title: A run that completed says what became of every record that it fetched
-- why: a record that is fetched and is neither added, updated, skipped nor counted as failed is lost without a word
-- requirement: BS3, BS5
-- severity: high
-- scope: tenant, resource
-- having: sync
-- needs: syncs.columns.added, syncs.columns.updated, syncs.columns.skipped, syncs.columns.failed, syncs.columns.fetched
-- key: started_at
-- show: kind
-- examined: select tenant, resource, count(*) as examined from {syncs} as s where state = 'success' group by 1, 2
-- remedy: look for a way through the loop over the records that counts nothing, such as a continue or a caught error
select tenant, resource, started_at,
       case when told is null then 'does not say' else 'does not add up' end as kind,
       task_id, fetched, added, updated, skipped, failed, fetched - told as uncounted
from (
  select tenant, resource, started_at, task_id, fetched, added, updated, skipped, failed,
         added + updated + skipped + failed as told
  from {syncs} as s
  where state = 'success'
) as runs
where told is null or fetched is null or fetched <> told
order by tenant, resource, started_at, task_id
