-- Fills the empty tables with as many listings as asked for, and with the imports that brought them; which values they
-- have is chosen by the seed. Metrics follow from the values as the app's own do.
create function pg_temp.chance(kind text, n bigint, below integer) returns integer language sql immutable as
$$ select mod(('x' || left(md5(%(seed)s::text || ' ' || kind || ' ' || n::text), 7))::bit(28)::integer, below) $$;

create function pg_temp.pick(kind text, n bigint, choices text[]) returns text language sql immutable as
$$ select choices[1 + pg_temp.chance(kind, n, cardinality(choices))] $$;

create function pg_temp.sold_by(n bigint) returns text language sql immutable as
$$ select pg_temp.pick('marketplace', n, array['amazon', 'ebay', 'other', 'other']) $$;

insert into cpus (id, name, cpu_mark, single_thread_rating) values
    (101, 'Intel Core i3-10100T', 7741, 2411),
    (107, 'Intel Core i7-10700', 16410, 2915),
    (123, 'Intel Core i5-10500', 13048, 2846),
    (131, 'Intel Core i5-8500T', 7649, 2187),
    (140, 'AMD Ryzen 5 5600G', 19904, 3270),
    (141, 'AMD Ryzen 7 5700U', 15712, 2637),
    (150, 'Intel Xeon E-2224', 7251, 2601),
    (160, 'Intel N100', 5527, 1932),
    (198, 'Intel N97', null, null), -- no benchmark yet
    (199, 'Intel N250', 0, 0); -- measured, and not yet worth anything
select setval(pg_get_serial_sequence('cpus', 'id'), 200);

create temporary table made_odd_titles as
select place, title from unnest(array[
    'Büro-PC “青空” 🖥️ ½', U&'Cafe\0301 kiosk', 'خادم صغير', 'O''Brien''s & Sons', 'Robert''); --', 'null', '0', 'NaN',
    E'two\tcolumns', repeat('long-', 60), '<b>bold</b>', 'İstanbul-ıı', 'a "quoted" name', 'C:\Program Files'
]) with ordinality as odd (title, place);

-- Of forty listings in a row eight are partial, and four were; so some jobs have no partial one.
create temporary table made_listings as
select n, job, title, pg_temp.sold_by(coalesce(job, -n)) as marketplace, condition, cpu_id, ram_gb, storage_gb,
       created_at, was_partial,
       case when quality = 'full' then price_usd end as price_usd, quality,
       case when was_partial and quality = 'full'
           then created_at + (60 + pg_temp.chance('wait', n, 600000)) * interval '1 second' end as completed_at
from (
    -- Three of four listings came with a bulk job, of six addresses each.
    select n, case when mod(n, 4) > 0 then 1 + (n - n / 4 - 1) / 6 end as job,
           coalesce(odd.title, pg_temp.pick('brand', n, array['Dell OptiPlex', 'HP EliteDesk', 'ThinkCentre']) || ' ' || n)
               as title,
           case when mod(n, 13) <> 4 then pg_temp.pick('condition', n, array['new', 'refurb', 'used']) end as condition,
           case when mod(n, 7) <> 3 then (array[101, 107, 123, 131, 140, 141, 150, 160, 198, 199])[
               1 + pg_temp.chance('cpu', n, 10)] end as cpu_id,
           case when mod(n, 11) <> 2 then (array[4, 8, 16, 32, 64])[1 + pg_temp.chance('memory', n, 5)] end as ram_gb,
           case when mod(n, 12) <> 5 then (array[128, 256, 512, 1024])[1 + pg_temp.chance('storage', n, 4)] end
               as storage_gb,
           case mod(n, 97) when 1 then 0.01 when 2 then 99999999.99
               else (4900 + pg_temp.chance('price', n, 200000)) / 100.0 end as price_usd,
           coalesce(
               (array[
                   timestamptz '2024-02-29 23:59:59.999999+00', -- a leap day's last moment
                   timestamptz '2025-03-30 00:59:59.999+00', -- clocks go forward in Europe a millisecond later
                   timestamptz '2024-10-27 00:30:00+00', -- an hour that Europe has twice
                   timestamptz '2024-12-31 23:59:59.5+00'
               ])[case when mod(n, 4) = 0 then n / 4 end],
               timestamptz '2025-01-07 06:15:27.431+00' + mod((n + 7) / 8, 5000) * interval '7 hours'
                   + mod(n, 8) * case when mod(n, 4) > 0 then interval '2 seconds' else interval '31 minutes' end
           ) as created_at,
           case when mod(n, 40) between 1 and 8 then 'partial' else 'full' end as quality,
           mod(n, 40) between 1 and 12 as was_partial
    from generate_series(1, %(size)s::bigint) as n
    left join made_odd_titles as odd on odd.place = n
) as numbered;

create temporary table made_metrics as
select n, adjusted, round(adjusted / nullif(cpu_mark, 0), 6) as per_mark
from (
    select made.n, cpus.cpu_mark,
           round(greatest(0, price_usd - 1.50 * coalesce(ram_gb, 0) - 0.04 * coalesce(storage_gb, 0)), 2) as adjusted
    from made_listings as made left join cpus on cpus.id = made.cpu_id
    where quality = 'full'
) as adjusted;

insert into listings (
    id, title, url, marketplace, price_usd, condition, cpu_id, created_at, updated_at, ram_gb, storage_gb,
    adjusted_price_usd, price_per_cpu_mark, adjusted_deal_rating, cpu_price_performance_rating, quality,
    missing_fields, extraction_metadata)
select n, title, 'https://market.example/' || n, marketplace, price_usd, condition, cpu_id, created_at,
       coalesce(completed_at, created_at), ram_gb, storage_gb, adjusted, per_mark,
       case when adjusted / price_usd <= 0.7 then 'great_deal' when adjusted / price_usd <= 0.9 then 'good_deal'
           when adjusted is not null then 'premium' end,
       case when per_mark <= 0.02 then 'excellent' when per_mark <= 0.05 then 'good'
           when per_mark is not null then 'poor' end,
       quality,
       to_jsonb(array_remove(array[
           case when price_usd is null then 'price_usd' end, case when condition is null then 'condition' end], null)),
       jsonb_strip_nulls(jsonb_build_object(
           'title', 'extracted',
           'price_usd', case when completed_at is not null then 'manual' when price_usd is not null then 'extracted' end,
           'condition', case when condition is not null then 'extracted' end,
           'cpu_id', case when cpu_id is not null then 'enriched' end,
           'ram_gb', case when ram_gb is not null then 'extracted' end,
           'storage_gb', case when storage_gb is not null then 'extracted' end))
from made_listings left join made_metrics using (n);
select setval(pg_get_serial_sequence('listings', 'id'), %(size)s::bigint);

insert into listing_changes (listing_id, quality_before, quality_after, changed_at)
select n, 'partial', 'full', completed_at from made_listings where completed_at is not null order by n;

-- Every third job had an address more, which failed, and one job failed as a whole.
create temporary table made_sessions as
select job, 'https://market.example/' || n as filename, n as listing,
       case when was_partial then 'partial' else 'full' end as quality, created_at
from made_listings
union all
select job, 'https://market.example/gone/' || job, null, null, max(created_at) + interval '1 second'
from made_listings where mod(job, 3) = 0 group by job
union all
select 0, 'https://market.example/forbidden/' || place, null, null, timestamptz '2025-02-01 11:00+00'
from generate_series(1, 2) as place;

create function pg_temp.made_job(n bigint) returns uuid language sql immutable as
$$ select md5(%(seed)s::text || ' bulk job ' || n::text)::uuid $$;

insert into bulk_jobs (id, marketplace, status, total_urls, completed, partial, failed, created_at, finished_at)
select pg_temp.made_job(job), pg_temp.sold_by(job),
       case when count(*) filter (where quality = 'partial') > 0 then 'partial'
           when count(listing) > 0 then 'complete' else 'failed' end,
       count(*), count(listing), count(*) filter (where quality = 'partial'), count(*) - count(listing),
       min(created_at), max(created_at) + interval '3 seconds'
from made_sessions where job is not null group by job order by job;

insert into import_sessions (
    filename, status, error, created_at, finished_at, bulk_job_id, listing_id, quality, attempts)
select case when job is null then 'inventory März 2025.xlsx' else filename end,
       case when listing is null then 'failed' else 'complete' end,
       case when listing is null then 'the page answered 404' end,
       created_at, created_at + interval '2 seconds', pg_temp.made_job(job), listing, quality, 1
from made_sessions order by job, filename;
