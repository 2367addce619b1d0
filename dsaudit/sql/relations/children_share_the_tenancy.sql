-- title: Every child belongs to its parent's tenant, in every column that tells whose it is
-- why: a customer has several engagements or workspaces, and one is not to see the rows of another; a reference across
--   them is a way there that no foreign key of one column closes
-- requirement: DI4
-- severity: critical
-- each: relation
-- scope: tenant
-- having: owned
-- needs: tenancy
-- key: source_id, child_has, parent_has
-- show: row_id, column
-- examined: select tenant, count(*) as examined,
--   case when bool_or(tenancy is null) or exists (select from {parent} as p where tenancy is null)
--   then 'one of the two tables lacks a column that tells whose its rows are' end as reason
--   from {child} as c group by 1
-- explains: parents_count_their_children, counts_are_conserved
-- remedy: move these rows to where they belong, and take the columns of the tenancy into the foreign key
with crossing as materialized (
  select c.tenant, c.source_id, c.row_id, c.key, c.link, c.tenancy, p.tenancy as of_parent
  from {child} as c join {parent} as p on p.link = c.link
  where p.tenancy <> c.tenancy
)
select c.tenant, c.source_id, c.row_id, c.key as parent, (%(tenancy)s::text[])[differs.at] as column,
       c.tenancy[differs.at]::text as child_has, c.of_parent[differs.at]::text as parent_has
from crossing as c
cross join lateral (
  select min(place) as at from generate_subscripts(c.tenancy, 1) as place
  where c.tenancy[place] is distinct from c.of_parent[place]
) as differs
-- Where ids are unique within a tenant only, another tenant's record of that id says nothing.
where not exists (select from {parent} as own where own.link = c.link and own.tenancy = c.tenancy)
order by c.tenant, c.source_id, c.row_id, c.of_parent
