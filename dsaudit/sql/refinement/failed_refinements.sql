-- title: Fewer refinements fail than the declared share
-- why: a record that cannot be refined is received and yet missing where it is looked for
-- requirement: DS7.2
-- severity: high
-- scope: tenant
-- needs: raw.columns.state
-- key: source_id, row_id
-- show: state
-- expect: refine_error_percent
-- examined: select tenant, sum(rows) as examined, '%%' as unit, round(greatest(
--   100.0 * sum(failed) / sum(rows), 100.0 * sum(late_failed) / nullif(sum(late), 0)), 3) as value
--   from {raw_rows} as r group by 1
-- explains: raw_missing_in_refined, source_missing_in_refined, field_differences, refined_built_from_newest, children_match_payload
-- remedy: mend the cause that the classes of error messages name, then refine these raw rows again
with rates as (
  select tenant, greatest(
    100.0 * count(*) filter (where state = 'error') / count(*),
    100.0 * count(*) filter (where state = 'error' and received_at >= %(instant)s::timestamptz - interval '24 hours')
    / nullif(count(*) filter (where received_at >= %(instant)s::timestamptz - interval '24 hours'), 0)) as rate
  from {raw} as r group by tenant
)
select r.tenant, r.resource, r.source_id, r.row_id, r.error, r.received_at
from {raw} as r
-- Asked for each failed one, so that where there is none the rates are not counted.
where r.state = 'error' and (select rate from rates where rates.tenant = r.tenant) >= %(refine_error_percent)s
order by r.tenant, r.resource, r.source_id, r.row_id
