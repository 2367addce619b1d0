-- title: In which record a nested one stands, told by its refined row.
select distinct c.tenant, p.source_id as parent_id
from {child} as c
join {parent} as p on p.link = c.link and p.tenant = c.tenant
where c.source_id = %(of_id)s
order by c.tenant, p.source_id
