-- title: Objects by their number of versions
-- show: tenant, resource
select tenant, resource, versions, count(*) as objects
from (select tenant, resource, source_id, count(*) as versions from {raw} as r group by 1, 2, 3) as objects
group by 1, 2, 3 order by 1, 2, 3
