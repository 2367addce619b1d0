-- Records on either side of each condition that the checks' queries have. An id says what is odd about its record.
create table account (
  pk integer primary key, org text, unit text default 'x', code text, entries integer, notes integer, built text,
  gone boolean not null default false);
create table entry (
  pk integer primary key, org text, unit text default 'x', code text, account text, gone boolean not null default false);
create table note (
  pk integer primary key, org text, unit text default 'x', code text, account text, gone boolean not null default false);
create table raw (
  id integer primary key, org text, kind text, key text, hash text, via text, state text, received timestamptz,
  changed timestamptz, observed timestamptz, refined timestamptz, delivery text, gone boolean not null default false);
create table delivery (
  id text, org text, topic text, key text, sent timestamptz, received timestamptz, outcome text);
create table run (
  org text, kind text, began timestamptz, ended timestamptz, fetched integer, error text, word text, task text);
create table record (org text, registration jsonb);

insert into account (pk, org, code, entries, notes, built, gone) values
  (1, 'n', 'a', 2, 1, '12', false),
  (2, 'n', 'b', 1, null, 'none', false),  -- no note, and a count that says nothing; no raw row
  (3, 's', 'a', 1, 1, '13', false),       -- ids are unique within a tenant alone
  (4, 'n', 'z', 5, 7, 'old', true),       -- deleted, whatever it counts, and so is its newest version
  (5, 'n', 'q', 0, 0, null, true),
  (6, 's', 'q', 1, 0, 'none', false),     -- a record of the same id is deleted at the other tenant
  (7, 's', 'only', 1, 0, 'none', false),
  (8, 'n', 'uncounted', null, 1, null, false),
  (9, 'n', 'lost', 1, 1, 'none', false),  -- has a note no more
  (10, 's', 'childless', 0, 0, 'none', false),
  (11, 's', 'b', 0, 0, '61', false),      -- has no entry, which the other tenant's of this id has
  (12, 'n', 'older', 1, 0, '30', false),
  (13, 'n', 'undeleted', 1, 0, '30', true),
  (14, 'n', 'deleted_there', 1, 0, '30', false),
  (15, 'n', 'soon', 1, 0, '30', false),
  (16, 'n', 'late', 1, 0, '30', false),
  (17, 'n', 'ahead', 1, 0, '30', false),
  (18, 'n', 'just_done', 1, 0, '30', false),
  (19, 'n', 'unbuilt', 1, 0, null, false),
  (20, 'n', 'hidden', 1, 0, '55', true);  -- deleted here alone
insert into entry (pk, org, code, account, gone) values
  (1, 'n', 'e1', 'a', false), (2, 'n', 'e2', 'a', false), (3, 'n', 'e3', 'b', false), (4, 's', 'e1', 'a', false),
  (5, 'n', 'gone_with_it', 'z', true), (6, 's', 'e6', 'q', false), (7, 'n', 'gone_alone', 'nowhere', true),
  (8, 'n', 'gone', 'a', true), (9, 's', 'e9', 'only', false), (10, 'n', 'uncounted', 'uncounted', false),
  (11, 'n', 'lost', 'lost', false), (12, 'n', 'left_behind', 'z', false), (13, 'n', 'orphan', 'nowhere', false),
  (14, 'n', 'empty', null, false), (15, 'n', 'crossing', 'only', false);
insert into entry (pk, org, code, account) select 20 + pk, org, code, code from account where pk > 11;
insert into entry (pk, org, unit, code, account) values (16, 'n', 'y', 'of_another_unit', 'uncounted');
insert into account (pk, org, code, entries, notes, built) values (21, 'n', 'only_gone', 0, 0, 'none');
insert into entry (pk, org, code, account, gone) values (50, 'n', 'gone', 'only_gone', true);  -- there are two of it
insert into note (pk, org, code, account, gone) values
  (1, 's', 'n1', 'a', false), (2, 'n', 'unlinked', null, false), (3, 'n', 'n3', 'a', false),
  (4, 'n', 'gone', null, true), (5, 'n', 'n5', 'uncounted', false), (6, 'n', 'elsewhere', 'nowhere', false),
  (7, 's', 'unlinked', null, false), (8, 's', 'elsewhere', null, false);

insert into raw (id, org, kind, key, hash, via, state, received, changed, delivery, gone) values
  (10, 'n', 'account', 'a', 'h1', 'pull', 'processed', now() - interval '3 days', now() - interval '3 days', null, false),
  (11, 'n', 'account', 'a', 'h2', 'pull', 'processed', now() - interval '2 days', now() - interval '2 days', null, false),
  (12, 'n', 'account', 'a', 'h1', 'pull', 'processed', now() - interval '24.5 hours', now() - interval '24.5 hours', 'd1', false),
  (13, 's', 'account', 'a', 'h1', 'pull', 'processed', now() - interval '24.5 hours', now() - interval '24.5 hours', 'd1', false),
  (14, 'n', 'note', 'a', 'h1', 'pull', 'processed', now() - interval '20 hours', now(), 'd1', false),
  (15, 'n', 'account', 'z', 'h3', 'pull', 'processed', now() - interval '2 days', now() - interval '2 days', null, false),
  (16, 'n', 'account', 'z', 'h4', 'pull', 'processed', now() - interval '24.5 hours', now() - interval '24.5 hours', null, true),
  (20, 'n', 'account', 'tied', 't1', 'pull', 'skipped', now() - interval '2 days', null, null, false),
  (21, 'n', 'account', 'tied', 't2', 'pull', 'skipped', now() - interval '2 days', null, 'twice', false),
  (22, 'n', 'account', 'tied', 't2', 'pull', 'skipped', now() - interval '24.5 hours', null, 'twice', false),
  (23, 'n', 'account', 'between', 'b1', 'pull', 'skipped', now() - interval '6 hours', null, 'd2', false),
  (24, 'n', 'account', 'beside', 'b2', 'pull', 'skipped', now() - interval '5 hours', null, 'd2', false),
  (25, 'n', 'account', 'between', 'b1', 'pull', 'skipped', now() - interval '4 hours', null, 'd3', false),
  (26, 'n', 'account', 'same_one', 's1', 'pull', 'skipped', now() - interval '3 hours', null, null, false),
  (27, 'n', 'account', 'same_two', 's1', 'pull', 'skipped', now() - interval '3 hours', null, null, false),
  (28, 'n', 'account', 'no_hash', null, 'pull', 'skipped', now() - interval '3 hours', null, null, false),
  (29, 'n', 'account', ' ', 'e1', 'pull', 'skipped', now() - interval '3 hours', null, null, false),
  (40, 'n', 'account', 'older', 'o', 'pull', 'processed', now() - interval '24.5 hours', null, null, false),
  (41, 'n', 'account', 'undeleted', 'u', 'pull', 'processed', now() - interval '24.5 hours', null, null, false),
  (42, 'n', 'account', 'deleted_there', 'd', 'pull', 'processed', now() - interval '24.5 hours', null, null, true),
  (43, 'n', 'account', 'soon', 'so', 'pull', 'pending', now() - interval '10 seconds', null, null, false),
  (44, 'n', 'account', 'late', 'la', 'pull', 'pending', now() - interval '3 minutes', null, null, false),
  (45, 'n', 'account', 'ahead', 'ah', 'pull', 'pending', now() + interval '1 hour', null, null, false),
  (46, 'n', 'account', 'just_done', 'ju', 'pull', 'processed', now() - interval '10 seconds', null, null, false),
  (47, 'n', 'account', 'unbuilt', 'un', 'pull', 'processed', now() - interval '24.5 hours', null, null, false),
  (50, 'n', 'account', 'only', 'on', 'pull', 'processed', now() - interval '24.5 hours', null, null, false),
  (51, 'n', 'account', 'stateless', 'st', 'pull', null, now() - interval '10 minutes', null, null, false),
  (52, 'n', 'account', 'waiting', 'wa', 'pull', 'pending', now() - interval '10 seconds', null, null, false),
  (53, 'n', 'account', 'waited', 'wd', 'pull', 'pending', now() - interval '3 minutes', null, null, false),
  (54, 'n', 'account', 'announced', 'an', 'pull', 'pending', now() + interval '1 hour', null, null, false),
  (55, 'n', 'account', 'hidden', 'hi', 'pull', 'processed', now() - interval '24.5 hours', null, null, false),
  (56, 'n', 'account', 'at_once', 'ao', 'pull', 'processed', now() - interval '10 seconds', null, null, false),
  (57, 'n', 'account', 'failed_yesterday', 'f1', 'pull', 'error', now() - interval '24.5 hours', null, null, false),
  (58, 'n', 'account', 'failed_one', 'f2', 'pull', 'error', now() - interval '2 hours', null, null, false),
  (59, 'n', 'account', 'failed_two', 'f3', 'pull', 'error', now() - interval '2 hours', null, null, false),
  (60, 's', 'account', 'b', 'f4', 'pull', 'skipped', now() - interval '2 days', null, null, false),
  (61, 's', 'account', 'b', 'f5', 'pull', 'skipped', now() - interval '24.5 hours', null, null, false),
  (63, 'w', 'account', 'pulled', 'w', 'pull', 'skipped', now() - interval '2 hours', null, null, false),
  (64, 'f', 'account', 'hooked', 'e', 'hook', 'skipped', now() - interval '2 hours', null, null, true),
  (65, 'n', 'account', null, 'nobody', 'pull', 'skipped', now() - interval '2 days', null, null, false);
insert into raw (id, org, kind, key, hash, via, state, received, changed, refined) values
  (62, 's', 'account', 'b', 'f6', 'pull', 'skipped', now() - interval '9 days', now() - interval '9 days' + interval '1 s', now() - interval '9 days' - interval '1 s'),
  (66, 's', 'account', 'refined_first', 'f7', 'pull', 'skipped', now() - interval '9 days', now() - interval '9 days' + interval '1 s', now() - interval '9 days' - interval '5 s');
insert into raw (id, org, kind, key, hash, via, state, received, observed) values
  (67, 's', 'account', 'observed_first', 'f8', 'pull', 'skipped', now() - interval '9 days', now() - interval '8 days');
-- Failures: of the west's 10.5 % of what came within a day, of the east's 9.9 % of all.
insert into raw (id, org, kind, key, hash, via, state, received)
select 400 + place, 'w', 'account', 'west_' || place, 'west_' || place, 'pull', case when place <= 2 then 'error' else 'skipped' end,
       now() - case when place <= 18 then interval '2 hours' else interval '2 days' end
from generate_series(1, 100) as place
union all
select 600 + place, 'e', 'account', 'east_' || place, 'east_' || place, 'pull', case when place <= 10 then 'error' else 'skipped' end,
       now() - interval '2 days'
from generate_series(1, 101) as place;

-- Failures: of what came within a day 10 % at the south, which is the limit, and of all less.
-- Latency: entries take exactly 4 s (with the clocks' error 5, the limit), notes 7 s in whole seconds (less the clocks'
-- error and what was cut off 5), accounts are slow. Five changes are just enough, and memos
-- have four that can be timed.
insert into raw (id, org, kind, key, hash, via, state, received, changed, refined)
select 100 + place, 'n', 'entry', 'timed_' || place, 'timed_' || place, 'hook', 'processed', at + interval '4 s', at,
       at + interval '4 s'
from generate_series(1, 6) as place, lateral (select date_trunc('hour', now()) - interval '1.5 s' - place * interval '1 min' as at) as x;
insert into raw (id, org, kind, key, hash, via, state, received, changed, refined)
select 200 + place, 'n', 'note', 'timed_' || place, 'timed_' || place, 'hook', 'processed', at + interval '1 s', at,
       at + case when place = 1 then interval '30 s' else interval '7 s' end
from generate_series(1, 41) as place, lateral (select date_trunc('hour', now()) - interval '3 days 7 s' - place * interval '1 min' as at) as x;
insert into raw (id, org, kind, key, hash, via, state, received, changed, observed, refined, gone)
select 300 + place, 's', 'account', 'timed_' || place, 'timed_' || place, via, state, at, changed, observed, refined, gone
from (select now() - interval '2 hours' - interval '0.3 s' as at) as x, lateral (values
  (1, 'hook', 'pending', at - interval '8 s', null::timestamptz, null::timestamptz, false),
  (2, 'hook', null, at - interval '9 s', null, at, false),
  (3, 'hook', 'processed', null, at - interval '6.5 s', at, false),
  (4, 'hook', 'processed', at - interval '6 s', null, at, false),
  (10, 'hook', 'processed', at - interval '4 s', null, at, false),
  (5, 'pull', 'processed', at - interval '100 s', null, at, false),
  (6, 'hook', 'processed', at - interval '100 s', null, at, true),
  (7, 'hook', 'error', at - interval '100 s', null, at, false),
  (8, 'hook', 'processed', at - interval '100 s', null, null, false),
  (9, 'hook', 'processed', null, null, at, false)) as rows (place, via, state, changed, observed, refined, gone);
insert into raw (id, org, kind, key, hash, via, state, received, changed, refined)
select 330 + place, 'n', 'memo', 'timed_' || place, 'timed_' || place, 'hook', 'processed', at,
       case when place < 6 then at - interval '8 s' end, case when place <> 5 then at end
from generate_series(1, 6) as place, lateral (select now() - interval '3 days 0.3 s' as at) as x;
insert into raw (id, org, kind, key, hash, via, state, received, changed, refined) values
  (320, 's', 'account', 'timed_long_ago', 'timed_long_ago', 'hook', 'processed', now() - interval '30 days', now() - interval '31 days', now() - interval '30 days');

insert into delivery values
  ('1', 'n', 'account.changed', 'a', now() - interval '1 hour', now() - interval '1 hour', 'accepted'),
  ('2', 'n', 'account.changed', 'a', now() - interval '1 hour', now() - interval '1 hour', 'lost'),
  ('3', 'n', 'account.changed', 'a', now(), now() - interval '1 hour', 'lost'),
  ('4', 'n', 'account.changed', 'a', now(), now() - interval '1 hour', 'accepted'),
  ('5', 'n', 'account.changed', 'a', now() - interval '1 hour', now() - interval '1 hour 1 second', 'accepted');

insert into record values
  ('n', '{"status": "completed", "failures": null}'), ('s', '{"status": "completed", "failures": ["x"]}'), (null, null);
insert into record values ('n', '{"failures": []}'), ('s', null);

insert into run (org, kind, began, ended, word, task) values
  ('w', 'note', now() - interval '30 min', null, 'running', 'none has ended, and it has an hour'),
  ('s', 'note', now() - interval '5 min', null, null, 'says nothing of itself'),
  ('n', 'note', now() - interval '270 min', now() - interval '265 min', 'failed', 'while entries were read'),
  ('n', 'account', now() - interval '20 days', now() - interval '20 days' + interval '10 min', 'done', 'past 1'),
  ('n', 'account', now() - interval '20 days' + interval '5 min', now() - interval '20 days' + interval '15 min', 'done', 'past 2'),
  ('n', 'account', now() - interval '30 hours', now() - interval '30 hours' + interval '10 min', 'done', 'done'),
  ('n', 'account', now() - interval '35 min', null, 'running', 'longer than three times'),
  ('n', 'account', now() - interval '10 min', null, 'running', 'under way'),
  ('s', 'account', now() - interval '9 hours', now() - interval '8 hours', 'done', 'of the other tenant'),
  ('s', 'account', now() - interval '90 min', null, 'running', 'for longer than an hour'),
  ('n', 'entry', now() - interval '5 hours', now() - interval '4 hours', 'failed', 'failed before'),
  ('n', 'entry', now() - interval '30 min', now() - interval '10 min', 'done', 'done since'),
  ('n', 'entry', now() - interval '30 min' - interval '0.5 s', now() - interval '30 min' + interval '0.5 s', 'done', 'ends with the clocks'' error'),
  ('s', 'entry', now() - interval '9 days', now() - interval '9 days', 'done', 'done long ago'),
  ('s', 'entry', now() - interval '50 min', now() - interval '40 min', 'failed', 'failed since'),
  ('s', 'entry', now() - interval '45 min', now() - interval '44 min', 'off', 'switched off meanwhile'),
  ('n', 'note', now() - interval '2 hours', null, 'running', 'none has ended'),
  ('s', 'note', now() - interval '3 hours', now() - interval '3 hours', 'done', 'at once'),
  ('s', 'note', now() - interval '3 hours', now() - interval '2 hours', 'done', 'begun with it'),
  ('s', 'note', now() - interval '2 hours' - interval '1 second', now() - interval '110 min', 'done', 'a second too early');

create materialized view accounts as select pk, code from account;
create unique index accounts_pk on accounts (pk);
create index entry_code on entry (code);
create index note_code on note (code);
create index raw_key on raw (key);
alter table note add constraint unvalidated check (pk > 0) not valid;
create domain positive as integer;
alter domain positive add constraint above_zero check (value > 0) not valid;
update pg_index set indisvalid = false where indexrelid = 'entry_code'::regclass;
update pg_index set indisready = false where indexrelid = 'note_code'::regclass;
update pg_index set indislive = false where indexrelid = 'raw_key'::regclass;
update pg_index set indisvalid = false where indexrelid = 'accounts_pk'::regclass;
-- What reindexing concurrently leaves of a table's long values when it breaks off.
update pg_index set indisvalid = false where indrelid = (select reltoastrelid from pg_class where oid = 'record'::regclass);
