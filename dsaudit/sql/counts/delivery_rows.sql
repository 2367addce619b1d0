-- title: Deliveries: how many were accepted, tell when they were sent, and were refused without an id
select count(*) as rows, count(*) filter (where accepted) as accepted,
       count(*) filter (where accepted and sent_at is not null) as dated,
       count(*) filter (where not accepted and delivery_id is null and source_id is null) as nameless
from {deliveries} as d
