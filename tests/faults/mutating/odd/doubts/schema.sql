-- The last sync of north's members brought nothing, though all of them were there; those before it brought them all,
-- but for the first. The tables of letters and notes are not there.
create table member (org text, code text, changed timestamptz, primary key (org, code));
insert into member values ('n', 'a', '2026-01-01T00:00:00Z'), ('n', 'b', '2026-01-02T00:00:00Z'),
                          ('s', 'a', '2026-01-01T00:00:00Z');
create table run (org text, kind text, began timestamptz, ended timestamptz, got integer);
insert into run select 'n', 'member', at, at + interval '1 min', got from (values
  (timestamptz '2026-01-03T00:00:00Z', 1), ('2026-01-04T00:00:00Z', 2), ('2026-01-05T00:00:00Z', 2),
  ('2026-01-06T00:00:00Z', 0)) as runs (at, got);
insert into run values ('s', 'member', '2026-01-03T00:00:00Z', '2026-01-03T00:01:00Z', 1);
create table record (org text, granted jsonb, hooks jsonb);
insert into record values ('n', '["read_members"]', '{}'), ('s', '["read_members"]', '{"topics": []}');
