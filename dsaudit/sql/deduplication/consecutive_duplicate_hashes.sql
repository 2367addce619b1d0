-- title: No two consecutive versions of an object share a content hash
-- why: one fact stored twice is counted twice; a record that changed and changed back repeats a hash, but not in a row
-- requirement: DS4.1
-- severity: high
-- scope: tenant, resource
-- needs: raw.columns.content_hash
-- key: source_id, row_id
-- show: previous_row_id, content_hash
-- examined: select tenant, resource, count(*) as examined from {raw} as r where content_hash is not null group by 1, 2
-- remedy: compare a new version with the object's newest one before it is stored, under a lock on the object
select tenant, resource, source_id, row_id, content_hash, previous_row_id, received_at
from (
  select tenant, resource, source_id, row_id, content_hash, received_at, sequence,
         lag(content_hash) over version as previous_hash,
         lag(row_id) over version as previous_row_id
  from {raw} as r
  window version as (partition by tenant, resource, source_id order by received_at, sequence)
) as versions
where content_hash = previous_hash
order by tenant, resource, source_id, received_at, sequence
