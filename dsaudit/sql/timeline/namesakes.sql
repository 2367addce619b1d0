-- title: Under which other resource or tenant an id was received.
select distinct r.tenant, r.resource
from {raw} as r
where r.source_id = %(of_id)s
order by r.tenant, r.resource
