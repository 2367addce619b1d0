create table part (code text primary key, org text not null, quality text, missing text, origin jsonb, price numeric,
                   doubled numeric);
create table item (code text primary key, org text not null, quality text, missing text, price numeric,
                   part text references part on delete cascade);
insert into item values ('a', 'n', 'partial', '["price"]');
create function kept() returns trigger language plpgsql as 'begin return null; end';
create trigger kept before delete on item for each row execute function kept();
create table lead (number integer primary key, org text not null, name text);
insert into lead values (1, 'n', 'first');
create view ready as select number, name from lead;
