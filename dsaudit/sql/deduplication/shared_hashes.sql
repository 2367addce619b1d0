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
-- Those with more than one id, as the rows write it, are few, and are found without sorting. Distinct objects are
-- counted of these alone.
where (tenant, resource, content_hash) in (
  select tenant, resource, content_hash from {raw} as shared
  group by tenant, resource, content_hash
  having min(told_id) < max(told_id)
)
group by tenant, resource, content_hash
having count(distinct source_id) > 1
order by tenant, resource, content_hash
