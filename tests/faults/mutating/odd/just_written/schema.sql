-- Rows that are wrong and were written just now: nothing tells whether they are right when the source is asked again.
create table thing (
  code text, org text, total integer, written timestamptz default now(), gone boolean default false, unique (org, code));
insert into thing (code, org, total, written) values
  ('same', 'n', 1, now() - interval '9 days'), ('other', 'n', 9, now()), ('surplus', 'n', 1, now()),
  ('same', 's', 1, now() - interval '9 days');
insert into thing (code, org, gone) values ('marked', 'n', true);
-- Of what is wrong nothing was received, by which it could be told.
create table inbox (
  id serial primary key, org text, object_type text, source_id text, payload jsonb, received_at timestamptz);
insert into inbox (org, object_type, source_id, payload, received_at)
  select org, 'thing', 'same', '{"code": "same", "total": 1}', now() - interval '9 days'
  from (values ('n'), ('s')) as o (org);
