-- title: No webhook was received before it was sent
-- why: such a delivery means that a clock is wrong, and then neither its way nor the order of deliveries can be told
-- requirement: DS6.1
-- severity: low
-- needs: deliveries.columns.sent_at, deliveries.columns.outcome
-- key: topic, delivery_id
-- show: topic
-- examined: select dated as examined from {delivery_rows} as d
-- remedy: compare the clocks of the receiver and of the source; look at how the time zone is read
select topic, delivery_id, source_id, sent_at, received_at
from {deliveries} as d
-- What was not accepted may come from anybody, and tell any time.
where accepted and received_at < sent_at - make_interval(secs => %(clock_high)s::double precision)
order by received_at, topic, delivery_id
