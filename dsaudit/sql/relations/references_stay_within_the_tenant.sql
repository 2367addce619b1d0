-- title: No reference leads to another tenant's record
-- why: a child under another tenant's parent shows one customer the data of another
-- requirement: WH3, DI4
-- severity: critical
-- each: relation
-- scope: tenant
-- having: owned
-- key: source_id
-- show: row_id, tenant_of_the_parent
-- examined: select tenant, count(*) as examined from {child} as c group by 1
-- explains: parents_have_their_children, children_match_payload, children_share_the_tenancy,
--   parents_count_their_children, counts_are_conserved
-- remedy: take the tenant into the foreign key, and move these rows to their own tenant
with crossing as materialized (
  select c.tenant, c.source_id, c.row_id, c.link, p.tenant as tenant_of_the_parent
  from {child} as c join {parent} as p on p.link = c.link
  where p.tenant <> c.tenant
)
select c.tenant, c.source_id, c.row_id, c.tenant_of_the_parent
from crossing as c
-- Where ids are unique within a tenant only, another tenant's record of that id says nothing.
where not exists (select from {parent} as own where own.link = c.link and own.tenant = c.tenant)
order by c.tenant, c.source_id, c.row_id, c.tenant_of_the_parent
