-- title: The registration of webhooks succeeded for every tenant
-- why: a topic whose registration failed brings nothing, and nobody misses it
-- requirement: DS3.2
-- severity: high
-- scope: tenant
-- key: status
-- show: status, failures
-- examined: select tenant, count(*) as examined from {record} as r where registration is not null group by 1
-- explains: wanted_topics_are_registered, recorded_topics_are_registered
-- remedy: register the topics again and look at the provider's answer
select tenant, registration ->> 'status' as status, registration ->> 'success_rate' as success_rate,
       jsonb_array_length(coalesce(nullif(registration -> 'failures', 'null'), '[]')) as failures
from {record} as r
where registration is not null
  and (registration ->> 'status' is distinct from 'completed'
       or jsonb_array_length(nullif(registration -> 'failures', 'null')) > 0)
order by tenant, status, failures
