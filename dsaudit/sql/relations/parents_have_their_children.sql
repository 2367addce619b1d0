-- title: Every parent that must have children has them
-- why: money that is paid out is explained by its transactions; a payout without any was fetched by half
-- requirement: WH2
-- severity: high
-- each: relation
-- scope: tenant
-- having: every_parent
-- key: source_id
-- show: row_id
-- examined: select tenant, count(*) as examined from {parent} as p where not deleted group by 1
-- remedy: fetch the children of these parents again
select p.tenant, p.source_id, p.row_id
from {parent} as p
where not p.deleted
  and not exists (select from {child} as c where c.link = p.link and c.tenant = p.tenant and not c.deleted)
order by p.tenant, p.source_id, p.row_id
