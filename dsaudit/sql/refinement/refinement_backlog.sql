-- title: No raw record waits for its refinement longer than declared
-- why: a record that is received but not refined is missing where it is looked for, without any error
-- requirement: DS7.2
-- severity: high
-- scope: tenant, resource
-- needs: raw.columns.state
-- key: source_id, row_id
-- examined: select tenant, resource, rows as examined from {raw_rows} as r
-- explains: raw_missing_in_refined, source_missing_in_refined, field_differences, refined_built_from_newest, children_match_payload
-- remedy: see whether the refining worker runs, then refine the waiting rows
select tenant, resource, source_id, row_id, received_at,
       round(extract(epoch from %(instant)s::timestamptz - received_at)) as seconds_waiting
from {raw} as r
where coalesce(state, 'pending') = 'pending'
  and received_at < %(instant)s::timestamptz - make_interval(secs => %(backlog_seconds)s::double precision)
order by tenant, resource, received_at, row_id
