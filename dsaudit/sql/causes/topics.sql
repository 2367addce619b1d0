-- title: How far back the log of received webhooks reaches, topic by topic.
select d.tenant, d.topic, min(d.received_at) filter (where d.accepted) as first_at, max(d.received_at) as last_at,
       max(d.received_at) filter (where d.source_id is null) as nameless_at,
       (array_agg(d.source_id order by d.received_at desc) filter (where d.source_id is not null))[1:50] as latest
from {deliveries} as d
where d.tenant is not null
group by 1, 2
order by 1, 2
