create table cpus (id int primary key, cpu_mark numeric, price_usd numeric);
create table listings (
  id int primary key, title text, quality text, price_usd numeric(10, 2), condition text, cpu_id int references cpus (id),
  adjusted_price_usd numeric(10, 2), price_per_cpu_mark double precision, label text,
  missing_fields jsonb default '[]', extraction_metadata jsonb default '{}', created_at timestamptz, removed_at timestamptz
);
create table listing_changes (
  id serial primary key, listing_id int, quality_before text, quality_after text, changed_at timestamptz
);
grant select on all tables in schema public to AUDITOR;
insert into cpus values (1, 1000, 5), (2, 0, 5), (3, null, 5);
-- complete; bought with a processor that is rated nothing; never priced; of nothing; odd texts; a price of nothing
insert into listings (id, title, quality, price_usd, condition, cpu_id, adjusted_price_usd, price_per_cpu_mark, label,
  missing_fields, extraction_metadata, created_at, removed_at) values
  (1, 'one', 'full', 299.99, 'used', 1, 284.99, 0.28499, 'one: used', '[]',
   '{"title": "extracted", "price_usd": "manual", "cpu_id": "enriched"}', '2026-01-01Z', null),
  (2, 'two', 'full', 100.005, 'new', 2, 95.01, null, 'two: new', null,
   '{"title": "extracted", "price_usd": "extracted", "cpu_id": "enriched", "other": 7}', '2026-01-01Z', null),
  (3, 'three', 'partial', null, null, 3, null, null, 'three', '["condition", "price_usd", "condition"]',
   '{"title": "extracted", "cpu_id": "enriched", "price_usd": null}', '2026-01-01Z', null),
  (4, '', 'partial', null, '', null, null, null, null, '["price_usd", "condition"]', '{}', '2026-01-01Z', null),
  (5, '%s {child} ''O''', 'partial', null, ' ', 1, null, null, null, '["price_usd"]',
   '{"title": "manual", "cpu_id": "manual"}', null, null),
  (6, 'six', 'full', 0, 'used', null, 0, null, 'six: used', '[]', '{"title": "manual", "price_usd": "manual"}', '2026-01-01Z',
   null),
  (7, null, 'gone', 5, null, null, 99, 99, null, '"no list"', '{}', '2026-01-01Z', '2026-01-02Z');
insert into listing_changes (listing_id, quality_before, quality_after, changed_at) values
  (1, null, 'partial', '2026-01-01Z'), (1, 'partial', 'partial', '2026-01-01 12:00Z'), (1, 'partial', 'full', '2026-01-02Z'),
  (2, 'partial', 'full', '2026-01-01 06:00Z'), (6, 'partial', 'full', '2026-01-03Z'), (6, null, 'partial', '2026-01-03Z'),
  (77, 'partial', 'full', '2026-01-03Z');
