-- title: No live child hangs on a parent that is marked deleted
-- why: a delete that reaches the parent alone leaves its children behind: counted, summed up, and found by no join
-- requirement: WH3, DS5.3
-- severity: high
-- each: relation
-- scope: tenant
-- having: takes_children
-- key: source_id
-- show: row_id
-- examined: select tenant, count(*) as examined from {child} as c where not deleted group by 1
-- explains: refined_missing_at_source
-- remedy: mark these children deleted too, and let the deletion of a parent take its children along; if they stay on
--   purpose, say so by the relation's `keeps_children`
select c.tenant, c.source_id, c.row_id, p.source_id as deleted_parent
from {child} as c join {parent} as p on p.link = c.link and p.tenant = c.tenant
where not c.deleted and p.deleted
order by c.tenant, c.source_id, c.row_id
