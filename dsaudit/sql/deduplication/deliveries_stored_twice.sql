-- title: No webhook delivery is stored twice
-- why: a delivery that is repeated after a time-out is the same fact; stored twice it is counted twice
-- requirement: DS4.1
-- severity: high
-- scope: tenant, resource
-- having: webhooks
-- needs: raw.columns.delivery_id
-- key: source_id, delivery_id
-- show: delivery_id
-- explains: consecutive_duplicate_hashes
-- examined: select tenant, resource, delivered as examined from {raw_rows} as r
-- remedy: make the delivery's id and the object's id unique in the raw table, and answer a repeated delivery with 200
select tenant, resource, source_id, delivery_id, count(*) as copies, min(received_at) as first, max(received_at) as last
from {raw} as r
where delivery_id is not null
group by tenant, resource, source_id, delivery_id
having count(*) > 1
order by tenant, resource, source_id, delivery_id
