-- title: Every raw record has a content hash
-- why: a record without one escapes deduplication, and all such records look alike to a query that groups by hash
-- requirement: DS4.1
-- severity: high
-- scope: tenant, resource
-- needs: raw.columns.content_hash
-- key: source_id, row_id
-- examined: select tenant, resource, rows as examined from {raw_rows} as r
-- remedy: compute the hash where the record is stored, and make the column not null
select tenant, resource, source_id, row_id, received_at
from {raw} as r
where content_hash is null
order by tenant, resource, source_id, row_id
