-- title: Raw rows by tenant and resource
select tenant, resource, count(*) as examined from {raw} as r group by 1, 2
