-- title: Deliveries of webhooks succeed
-- why: a provider removes a subscription after some failures in a row, and then nothing arrives any more
-- requirement: DS3.2
-- severity: high
-- needs: deliveries.columns.outcome
-- key: delivery_id, source_id
-- show: delivery_id, topic, outcome
-- expect: delivery_success_percent
-- examined: select rows as examined, round(100.0 * accepted / nullif(rows, 0), 3) as value, '%%' as unit,
--   case when %(is_probed)s and nameless > 0 then
--   'a delivery that was not accepted and has no id may be one that webhooks.probe had sent' end as note from {delivery_rows} as d
-- explains: deliveries_were_taken, webhooks_arrive, source_missing_in_raw, source_missing_in_refined,
--   raw_differs_from_source, field_differences
-- remedy: look at the receiver's log for these deliveries; ask the provider to send them again
select delivery_id, topic, source_id, outcome, received_at
from {deliveries} as d
where not accepted
  and (select 100.0 * count(*) filter (where accepted) / nullif(count(*), 0) from {deliveries} as all_deliveries)
      < %(delivery_success_percent)s
order by received_at, delivery_id
