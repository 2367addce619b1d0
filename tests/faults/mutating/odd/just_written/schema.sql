-- Rows that are wrong and were written just now: nothing tells whether they are right when the source is asked again.
create table thing (
  code text, org text, total integer, written timestamptz default now(), gone boolean default false, unique (org, code));
insert into thing (code, org, total, written) values
  ('same', 'n', 1, now() - interval '9 days'), ('other', 'n', 9, now()), ('surplus', 'n', 1, now()),
  ('same', 's', 1, now() - interval '9 days');
insert into thing (code, org, gone) values ('marked', 'n', true);
