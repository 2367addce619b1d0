-- title: Versions that were received after a newer one (harmless where the newest wins)
-- key: source_id
-- show: tenant, resource
select tenant, resource, source_id, row_id, changed_at, newer_before, received_at
from (
  select r.*, max(changed_at) over (partition by tenant, resource, source_id order by sequence
                                    rows between unbounded preceding and 1 preceding) as newer_before
  from {raw} as r where changed_at is not null
) as versions
where changed_at < newer_before
order by tenant, resource, source_id, sequence
