-- title: As large a share of the children as declared has a parent
-- why: a reference that may be empty passes every constraint, even where none of them leads anywhere
-- requirement: DI1
-- severity: high
-- each: relation
-- scope: tenant
-- having: linked_percent
-- key: source_id
-- show: row_id
-- expect: linked_percent
-- examined: select c.tenant, count(*) as examined, 100.0 * count(p.link) / count(*) as value, '%%' as unit,
--   %(linked_percent)s::float8 as threshold
--   from {child} as c left join (select distinct link from {parent} as p) as p on p.link = c.link
--   where not c.deleted group by 1
-- remedy: find the parents of these children by what else they have in common, and link them; if this many are alone
--   by right, say so by the relation's `linked_percent`
with child as (
  select c.tenant, c.source_id, c.row_id, p.link is not null as is_linked
  from {child} as c
  left join (select distinct link from {parent} as p) as p on p.link = c.link
  where not c.deleted
), share as (
  select tenant, 100.0 * count(*) filter (where is_linked) / count(*) as percent
  from child
  group by tenant
)
select child.tenant, child.source_id, child.row_id
from child join share on share.tenant = child.tenant
where not child.is_linked and share.percent < %(linked_percent)s::float8
order by child.tenant, child.source_id, child.row_id
