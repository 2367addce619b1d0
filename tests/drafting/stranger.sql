-- Databases of nobody's in particular have all of this: several schemas, capitals and spaces, keys of several columns or
-- none, domains of another schema, triggers that set a time, partitions with foreign keys of their own, heirs, views.
create schema "Types";
create domain "Types"."Code" as text check (value ~ '^[A-Z]{2,3}$') not null;
create type "Types".mood as enum ('fine', 'poor');
create function "Types".touched() returns trigger language plpgsql as $$ begin new.changed := now(); return new; end $$;
create table "Types".beside (id integer primary key);

create schema "Shop Floor";
create table "Shop Floor"."Country" (
  code "Types"."Code" primary key, name text not null, changed timestamptz not null default now());
create trigger touched before insert or update on "Shop Floor"."Country"
  for each row execute function "Types".touched();
create table "Shop Floor"."Maker" (
  "Maker Id" integer generated always as identity primary key, "Country Code" "Types"."Code" references "Shop Floor"."Country",
  "Parent Id" integer references "Shop Floor"."Maker" on delete set null, mood "Types".mood);
create index on "Shop Floor"."Maker" ("Country Code");
create index on "Shop Floor"."Maker" ("Parent Id");
create table "Shop Floor".part (
  maker integer not null references "Shop Floor"."Maker" on delete cascade, number integer not null, price numeric(8, 2),
  tax numeric(8, 2) generated always as (price / 5) stored, primary key (maker, number));
create table public.part (id bigint primary key, maker integer, number integer,
  foreign key (maker, number) references "Shop Floor".part);
create table public.note (part_id bigint not null, words text);
create table public.old_note () inherits (public.note);
create table public.sale (
  id bigint generated always as identity, part_id bigint, day date not null, primary key (id, day)) partition by range (day);
create table public.sale_1 partition of public.sale for values from ('2025-01-01') to ('2026-01-01');
create table public.sale_2 partition of public.sale for values from ('2026-01-01') to ('2027-01-01');
alter table public.sale_1 add foreign key (part_id) references public.part;
create view public.parts as select id from public.part;
create materialized view public.makers as select "Maker Id" from "Shop Floor"."Maker";

insert into "Shop Floor"."Country" (code, name) select chr(65 + n) || 'X', 'country ' || n from generate_series(0, 9) as n;
insert into "Shop Floor"."Maker" ("Country Code", "Parent Id", mood)
select chr(65 + n % 10) || 'X', nullif(n, 0), 'fine' from generate_series(0, 19) as n;
insert into "Shop Floor".part (maker, number, price) select n, 1, n from generate_series(1, 20) as n;
insert into public.part select n, n, 1 from generate_series(1, 20) as n;
insert into public.note select 1 + n % 20, 'note ' || n from generate_series(1, 100) as n;
insert into public.note values (77, 'of a part that is gone');
insert into public.old_note values (1, 'old');
insert into public.sale (part_id, day)
select 1 + n % 20, date '2025-07-01' + n from generate_series(0, 300) as n;
