-- title: The source document's own figure: content hashes that occur more than once
-- show: tenant, resource
select tenant, resource, count(*) as hashes, sum(copies)::bigint as rows
from (select tenant, resource, content_hash, count(*) as copies from {raw} as r where content_hash is not null
      group by 1, 2, 3 having count(*) > 1) as repeated
group by 1, 2 order by 1, 2
