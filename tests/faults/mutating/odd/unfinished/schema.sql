create table "order" (code text not null, org text not null, total integer, unique (org, code));
create view sold as select code, org, total from "order" where total > 0;
insert into "order" values ('a', 'n', 1);
