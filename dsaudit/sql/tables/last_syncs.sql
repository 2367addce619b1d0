-- title: The last sync of every resource
-- show: error, state
select tenant, resource, started_at, ended_at, fetched, pages, state
from (select s.*, row_number() over (partition by tenant, resource order by started_at desc) as age from {syncs} as s) as runs
where age = 1 order by tenant, resource
