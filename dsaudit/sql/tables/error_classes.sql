-- title: Failed refinements by class of their message, values left out
-- show: class
select tenant, resource,
       regexp_replace(regexp_replace(error, '([^'']|'''')*'|"[^"]*"', '…', 'g'), '[0-9]+', '#', 'g') as class,
       count(*) as records, min(received_at) as first, max(received_at) as last
from {raw} as r where state = 'error'
group by 1, 2, 3 order by 4 desc, 1, 2, 3
