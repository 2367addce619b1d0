-- title: What came by which way
-- show: via
select tenant, via, count(*) as records, min(received_at) as first, max(received_at) as last,
       count(*) filter (where received_at >= %(instant)s::timestamptz - interval '24 hours') as in_last_24_hours
from {raw} as r group by 1, 2 order by 1, 2
