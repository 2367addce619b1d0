-- title: Deliveries in each interval of time, by outcome
-- show: outcome
select outcome, accepted, date_bin(step, received_at, timestamptz '2000-01-01') as time, count(*) as deliveries,
       extract(epoch from step)::double precision as seconds, %(instant)s::timestamptz as until
from {deliveries} as d
cross join (
  select case when max(received_at) - min(received_at) < interval '10 minutes' then interval '1 second'
              when max(received_at) - min(received_at) < interval '2 days' then interval '10 minutes'
              else interval '6 hours' end as step
  from {deliveries} as d
) as steps
group by outcome, accepted, 3, step order by 3, 1
