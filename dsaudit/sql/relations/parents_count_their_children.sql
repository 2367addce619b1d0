-- title: Every parent has as many children as it says
-- why: a count beside the rows that it counts drifts away from them with every row that is lost, doubled or moved
-- requirement: DI1, DI10
-- severity: high
-- each: relation
-- scope: tenant
-- having: counted_by
-- key: source_id
-- show: row_id
-- examined: select tenant, count(*) as examined from {parent} as p where not deleted group by 1
-- explains: counts_are_conserved, endpoints_agree
-- remedy: bring the missing children in again, or count anew where the count alone is wrong
select p.tenant, p.source_id, p.row_id, p.counted, coalesce(c.children, 0) as children
from {parent} as p
left join (
  select link, tenant, count(*) as children from {child} as c where not deleted group by link, tenant
) as c on c.link = p.link and c.tenant = p.tenant
where not p.deleted and coalesce(p.counted, 0) <> coalesce(c.children, 0)
order by p.tenant, p.source_id, p.row_id
