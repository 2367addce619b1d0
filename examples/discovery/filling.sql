-- Fills the five empty tables with as many assets as asked for; which values they have is chosen by the seed.
create function pg_temp.made_id(kind text, n bigint) returns uuid language sql immutable as
$$ select md5(%(seed)s::text || ' ' || kind || ' ' || n::text)::uuid $$;

create function pg_temp.chance(kind text, n bigint, below integer) returns integer language sql immutable as
$$ select mod(('x' || left(md5(%(seed)s::text || ' ! ' || kind || ' ' || n::text), 7))::bit(28)::integer, below) $$;

create function pg_temp.pick(kind text, n bigint, choices text[]) returns text language sql immutable as
$$ select choices[1 + pg_temp.chance(kind, n, cardinality(choices))] $$;

-- Ten flows in a row are spread over the engagements in these places.
create temporary table made_places as
select ordinality - 1 as place, client, engagement
from unnest(%(clients)s::uuid[], %(engagements)s::uuid[]) with ordinality as places (client, engagement, ordinality);

-- One in 40 assets was added by hand, one in 17 records is not valid; the last three imports never had a record.
create temporary table made_counts as
select hand, records, imports, greatest(1, ceil(records::numeric / imports)::integer) as rows_each
from (
    select size / 40 as hand,
           size - size / 40 + (size - size / 40) / 16 as records,
           greatest(24, size / 200) as imports
    from (select %(size)s::bigint as size) as given
) as counted;

create temporary table made_imports as
select n, flow, place.client, place.engagement, stage, created_at,
       created_at + case when mod(n, 11) > 0 then pg_temp.chance('seconds', n, 7200) else 0 end * interval '1 second'
           as ended_at
from (
    select n,
           n - case when mod(n, 8) = 0 then 1 else 0 end as flow,
           case when n > imports then (array['failed', 'initialized', 'cancelled'])[n - imports]
                when mod(n, 12) = 5 then 'processing'
                else 'completed' end as stage,
           coalesce(
               (array[
                   timestamptz '2024-02-29 23:59:59.999999+00', -- a leap day's last moment
                   timestamptz '2025-03-30 00:59:59.999+00', -- clocks go forward in Europe a millisecond later
                   timestamptz '2024-10-27 00:30:00+00', -- an hour that Europe has twice
                   timestamptz '2024-12-31 23:59:59.5+00',
                   timestamptz '1999-12-31 23:00:00+00'
               ])[n],
               timestamptz '2024-01-08 06:15:27.431+00' + mod(n, 5000) * interval '3 hours 7 minutes'
           ) as created_at
    from made_counts, generate_series(1, imports + 3) as n
) as numbered
join made_places as place on place.place = mod(flow, 10);

insert into crewai_flow_state_extensions
select pg_temp.made_id('master flow', n), pg_temp.made_id('flow of a master flow', n), client, engagement,
       case when mod(n, 5) > 0 then 'analyst ' || mod(n, 5) end,
       'discovery', case when mod(n, 9) > 0 then 'Discovery ' || n end, stage,
       case when mod(n, 4) = 0 then '{}' else jsonb_build_object('phases', array['import', 'inventory'], 'n', n) end,
       case when mod(n, 3) > 0 then jsonb_build_object('last_phase', 'inventory', 'Größe', 9007199254740993 + n) end,
       created_at, ended_at, case when stage in ('completed', 'failed', 'cancelled') then ended_at end
from made_imports where flow = n
union all
-- Where two imports share a flow, the number of the second is a flow that imports nothing.
select pg_temp.made_id('master flow', n), pg_temp.made_id('flow of a master flow', n), client, engagement,
       null, pg_temp.pick('flow type', n, array['assessment', 'planning']), '',
       pg_temp.pick('stage', n, array['active', 'paused']),
       '{}', null, created_at, created_at, null
from made_imports where flow <> n;

create temporary table made_records as
select r, row_number, import.n as import, import.flow, client, engagement, is_valid,
       created_at + row_number * interval '7 milliseconds' as created_at,
       case when is_valid then row_number() over (partition by engagement, is_valid order by r) end as place
from (
    select r, (r - 1) / rows_each + 1 as n, mod(r - 1, rows_each) + 1 as row_number, mod(r, 17) <> 0 as is_valid
    from made_counts, generate_series(1, records) as r
) as numbered
join made_imports as import using (n);

create temporary table made_odd_assets as
select place, name, attributes::jsonb as attributes, memory
from unnest(
    array[
        'db-01', 'DB-01', 'münchen-sap-01', U&'cafe\0301-kasse', 'خادم-البريد', '青空サーバー', '🖥️ build',
        'O''Brien''s NAS', ' surrounded by spaces ', 'a "quoted" name', 'Robert''); --', 'C:\Program Files\x', 'null',
        'NaN', '0', E'two\tcolumns\nand two lines', repeat('long-', 60), 'İstanbul-ıı', 'ελληνικά.example', 'test: do not migrate'
    ],
    array[
        null, 'null', '{}', '[]', '{"": ""}', '{"serial": 9007199254740993}', '{"Größe": "½ HE"}',
        '{"tags": ["a", null, 1.10, {"deep": [[]]}]}', '"text"', 'false', '{"share": 0.1}', '{"ñ": "\u00e9"}'
    ],
    array[0, 0.5, 99999999.99, 24576, 0.01]
) with ordinality as odd (name, attributes, memory, place);

insert into raw_import_records
select pg_temp.made_id('record', r), client, engagement, pg_temp.made_id('import', import),
       case when mod(r, 29) <> 3 then pg_temp.made_id('master flow', flow) end, row_number,
       case when is_valid then jsonb_build_object('Name', coalesce(odd.name, 'host ' || place), 'Row', row_number)
            when mod(r, 2) = 0 then '{"Name": ""}' else '{}' end,
       true, is_valid, record.created_at
from made_records as record left join made_odd_assets as odd using (place)
union all
-- What an import that is still at work has read and not looked at yet.
select pg_temp.made_id('waiting record', 3 * n + later), client, engagement, pg_temp.made_id('import', n),
       pg_temp.made_id('master flow', flow), rows_each + later, jsonb_build_object('Name', 'waiting ' || later), false,
       null, created_at
from made_counts, made_imports, generate_series(1, 3) as later
where stage = 'processing';

insert into data_imports
select pg_temp.made_id('import', n), client, engagement, pg_temp.made_id('master flow', flow),
       case when mod(n, 6) > 0 then 'Inventory ' || n end,
       pg_temp.pick('import type', n, array['cmdb', 'spreadsheet', 'discovery_tool']),
       case mod(n, 7) when 0 then null when 1 then 'Inventar März 2024 (final) v2.xlsx' when 2 then 'serveurs "été".csv'
           else 'export-' || n || '.csv' end,
       case when stage in ('failed', 'cancelled') then 0 when n = 1 then 9007199254740993
            when mod(n, 13) <> 4 then 1000 + pg_temp.chance('file size', n, 10000000) end,
       case stage when 'initialized' then 'pending' else stage end,
       coalesce(records, 0), coalesce(processed, 0), coalesce(failed, 0),
       created_at, case when stage in ('completed', 'failed', 'cancelled') then ended_at end
from made_imports
left join (
    select data_import_id, count(*) as records, count(*) filter (where is_processed) as processed,
           count(*) filter (where not is_valid) as failed
    from raw_import_records group by data_import_id
) as counted on data_import_id = pg_temp.made_id('import', n);

insert into discovery_flows
select pg_temp.made_id('discovery flow', n), pg_temp.made_id('flow', n), client, engagement,
       case when mod(n, 30) <> 7 then pg_temp.made_id('master flow', flow) end, pg_temp.made_id('import', n),
       case when mod(n, 10) > 0 then 'Inventory ' || n end, stage,
       case stage when 'completed' then 100 when 'initialized' then 0
           else (1 + pg_temp.chance('progress', n, 9998))::numeric / 100 end,
       created_at, ended_at, case when stage in ('completed', 'failed', 'cancelled') then ended_at end
from made_imports
union all
-- Some begin before there is an import.
select pg_temp.made_id('early flow', n), pg_temp.made_id('flow of an early flow', n), client, engagement,
       pg_temp.made_id('master flow', n), null, null, 'initialized', 0, created_at, created_at, null
from made_imports where mod(n, 16) = 0;

insert into assets
select pg_temp.made_id('asset', r), client, engagement, pg_temp.made_id('master flow', flow),
       pg_temp.made_id('flow', import), pg_temp.made_id('record', r), coalesce(odd.name, 'host ' || place),
       pg_temp.pick('type', r, array['server', 'virtual_machine', 'database', 'application', 'network', 'storage']),
       case mod(place, 6) when 0 then null when 1 then '' else 'h' || place || '.dc.example' end,
       case mod(place, 7) when 0 then null when 1 then inet '2001:db8::' + place
           when 2 then inet '192.168.0.1/16' + mod(place, 60000)
           when 3 then inet '::ffff:10.0.0.1' else inet '10.0.0.0' + place end,
       case when mod(place, 5) > 0 then pg_temp.pick('system', r, array['', 'RHEL 9', 'Windows 2019', 'z/OS']) end,
       case when mod(place, 8) > 0 then pg_temp.pick('environment', r, array['production', 'test', 'Entwicklung']) end,
       case when mod(place, 9) > 0 then pg_temp.pick('cores', r, array['1', '2', '4', '8', '64', '1024'])::integer end,
       case when odd.place is not null then odd.memory
           when mod(place, 10) > 0 then pg_temp.chance('memory', r, 4096) / 4.0 end,
       case when odd.place is not null then odd.attributes
           else jsonb_build_object('rack', pg_temp.chance('rack', r, 400)) end,
       pg_temp.pick('status', r, array['discovered', 'discovered', 'assessed', 'planned', 'migrated', 'archived']),
       record.created_at, record.created_at + pg_temp.chance('age', r, 400) * interval '1 day'
from made_records as record left join made_odd_assets as odd using (place)
where is_valid
union all
select pg_temp.made_id('asset by hand', n), client, engagement, null, null, null, 'added by hand ' || n, 'other',
       null, null, null, null, null, null, null, 'discovered', timestamptz '2024-06-01 00:00+00',
       timestamptz '2024-06-01 00:00+00'
from made_counts, generate_series(1, hand) as n
join made_places as place on place.place = mod(n, 10);
