create schema "ledger";
create table "ledger"."Member" (
  org text not null, code text not null, "Full Name" text, joined timestamptz, changed timestamptz, void boolean not null default false,
  stored timestamptz not null default clock_timestamp(), primary key (org, code));
create table ledger.invoice (
  id bigint generated always as identity primary key, org text not null, store text not null, number text not null,
  member text, total numeric(14, 3), currency text, issued date, paid boolean, changed timestamptz,
  void boolean not null default false, stored timestamptz not null default clock_timestamp(), unique (org, store, number));
create table ledger.invoice_line (
  id bigint generated always as identity primary key, invoice_id bigint not null references ledger.invoice (id),
  org text not null, store text not null, number text not null, line integer not null, text text, amount numeric(14, 3),
  void boolean not null default false, stored timestamptz not null default clock_timestamp(), unique (org, store, number, line));
create table ledger.hook_log (
  hook text, org text, topic text, about text, sent timestamptz, arrived timestamptz, verdict text);
create table ledger.job_run (
  org text, job text, began timestamptz, finished timestamptz, got integer, batches integer, up_to timestamptz, trouble text);
create table ledger.connection (org text primary key, granted jsonb, hooks jsonb);
create table ledger.alembic_version (version_num varchar(32) primary key);
