-- title: Every child belongs to the same tenant, in all that tells one, as its parent
-- why: a customer has several engagements or workspaces, and one is not to see the rows of another; a reference across
--   them is a way there that no foreign key of one column closes
-- requirement: DI4
-- severity: critical
-- each: relation
-- scope: tenant
-- needs: tenancy
-- key: source_id
-- show: row_id, child_belongs_to, parent_belongs_to
-- examined: select c.tenant, count(*) as examined,
--   case when bool_or(c.tenancy is null or p.key is not null and p.tenancy is null)
--   then 'one of the two tables lacks a column that tells whose its rows are' end as reason
--   from {child} as c left join {parent} as p on p.key = c.key group by 1
-- explains: parents_count_their_children
-- remedy: move these rows to where they belong, and take the columns of the tenancy into the foreign key
select c.tenant, c.source_id, c.row_id, c.key as parent, array_to_string(c.tenancy, ', ', 'nothing') as child_belongs_to,
       array_to_string(p.tenancy, ', ', 'nothing') as parent_belongs_to
from {child} as c join {parent} as p on p.key = c.key
where p.tenancy <> c.tenancy
  -- Where ids are unique within a tenant only, another tenant's record of that id says nothing.
  and not exists (select from {parent} as own where own.key = c.key and own.tenancy = c.tenancy)
order by c.tenant, c.source_id, c.row_id, p.tenancy
