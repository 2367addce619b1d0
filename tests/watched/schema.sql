create table listings (id bigint generated always as identity primary key, quality text not null);
insert into listings (quality) values ('full'), ('partial'), ('partial');
