-- title: Every reference to a parent finds it
-- why: a child without its parent is lost to every query that joins the two; an empty reference counts as one that
--   finds nothing, unless the file says that the relation is nullable
-- requirement: WH3, DI1
-- severity: high
-- each: relation
-- scope: tenant
-- key: source_id, missing_parent
-- show: row_id
-- examined: select tenant, count(*) as examined from {child} as c where not deleted group by 1
-- explains: children_match_payload, parents_count_their_children, enough_children_are_linked, counts_are_conserved,
--   endpoints_agree
-- remedy: fetch the missing parents again or correct the references, then add and validate the foreign key
select c.tenant, c.source_id, c.row_id, c.key as missing_parent
from {child} as c
where not c.deleted
  and (c.key is not null or not %(nullable)s)
  and not exists (select from {parent} as p where p.link = c.link)
order by c.tenant, c.source_id, c.row_id
