-- title: No two objects of the source share a content hash
-- why: a hash that leaves the id out takes two objects for one, and the second is never stored
-- requirement: DS4.1
-- severity: critical
-- scope: tenant, resource
-- having: identified
-- needs: raw.columns.content_hash
-- key: content_hash
-- show: content_hash
-- examined: select tenant, resource, hashed as examined from {raw_rows} as r
-- explains: stored_hashes_match_payload, source_missing_in_raw, source_missing_in_refined
-- remedy: take the object's own id into the hash, or compare within one object only
select tenant, resource, content_hash, count(distinct source_id) as objects,
       min(source_id) as first_source_id, max(source_id) as last_source_id
from {raw} as r
-- Those with more than one object are found without sorting, which counting distinct objects of all of them takes.
where (tenant, resource, content_hash) in (
  select tenant, resource, content_hash from {raw} as shared
  group by tenant, resource, content_hash
  having min(source_id) < max(source_id)
)
group by tenant, resource, content_hash
order by tenant, resource, content_hash
