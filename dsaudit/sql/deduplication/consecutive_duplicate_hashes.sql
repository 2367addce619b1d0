-- title: No two consecutive versions of an object share a content hash
-- why: one fact stored twice is counted twice; a record that changed and changed back repeats a hash, but not in a row
-- requirement: DS4.1
-- severity: high
-- scope: tenant, resource
-- needs: raw.columns.content_hash
-- key: source_id, row_id
-- show: previous_row_id, content_hash
-- examined: select tenant, resource, hashed as examined from {raw_rows} as r
-- remedy: compare a new version with the object's newest one before it is stored, under a lock on the object
select tenant, resource, source_id, row_id, content_hash, previous_row_id, received_at
from (
  select tenant, resource, source_id, row_id, content_hash, received_at, sequence,
         lag(content_hash) over version as previous_hash,
         lag(row_id) over version as previous_row_id
  from {raw} as r
  -- The id first, as it tells most rows apart: so the sort compares little else.
  window version as (partition by source_id, resource, tenant order by received_at, sequence)
) as versions
where content_hash = previous_hash
order by tenant, resource, source_id, received_at, sequence
