-- title: How long each record that is not refined yet has waited
select resource, extract(epoch from %(instant)s::timestamptz - received_at)::double precision as seconds_waiting,
       %(backlog_seconds)s::double precision as limit_seconds
from {raw} as r
where state = 'pending'
order by 1, 2 desc
