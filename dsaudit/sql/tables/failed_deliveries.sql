-- title: Deliveries that failed, by topic and outcome
-- show: tenant, topic, outcome
select tenant, topic, outcome, count(*) as deliveries, min(received_at) as first, max(received_at) as last
from {deliveries} as d where not accepted
group by 1, 2, 3 order by 4 desc, 1, 2, 3
