-- title: What became of the records that were received
-- show: state
select tenant, state, count(*) as records, count(distinct resource) as resources,
       round(100.0 * count(*) / sum(count(*)) over (partition by tenant), 2) as percent,
       min(received_at) as oldest, max(received_at) as newest
from {raw} as r group by 1, 2 order by 1, 2
