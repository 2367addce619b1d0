-- title: Every object of the source has at most one row in its refined table
-- why: two rows for one object are counted twice, and an update reaches only one of them
-- requirement: DS4.3
-- severity: critical
-- each: resource
-- scope: tenant
-- key: source_id
-- show: first_row_id, last_row_id
-- examined: select tenant, count(*) as examined from {refined} as f group by 1
-- explains: source_missing_in_refined, field_differences
-- remedy: merge the rows, then add the unique constraint that the check source_keys_are_unique prints
select tenant, source_id, count(*) as copies, min(row_id) as first_row_id, max(row_id) as last_row_id
from {refined} as f
-- Those that occur twice are found first, as the rows of all others need not be held to tell the first and the last.
where (tenant, own_id) in (select tenant, own_id from {refined} as twice group by 1, 2 having count(*) > 1)
group by tenant, source_id
order by tenant, source_id
