-- title: Every raw record says which object of the source it is
-- why: a record without the source's id belongs to nothing: it is refined into no row, or all such records into one
-- requirement: DS4.1, DS5.1
-- severity: high
-- scope: tenant, resource
-- key: row_id
-- examined: select tenant, resource, rows as examined from {raw_rows} as r
-- explains: source_missing_in_raw, source_missing_in_refined, raw_missing_in_refined
-- remedy: look in the payload for where the id stands, and fetch these records again
select tenant, resource, row_id, source_id, received_at
from {raw} as r
where coalesce(btrim(told_id), '') in ('', 'None', 'null', 'undefined')
order by tenant, resource, row_id
