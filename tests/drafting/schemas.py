"""Small integrations of other shapes than the samples', each with what a draft of it has to find."""

from __future__ import annotations

import contextlib
import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from dsaudit.database import Database
from dsaudit.drafting import Draft, Request, draft
from dsaudit.parameters.database import Database as Settings

URL_ENV = "DRAFTED_URL"

# The source's record stands on the row itself: no raw table, text keys, a flag for deletion, epoch seconds, money in
# minor units, no tenants, names in camelCase.
ON_THE_ROW = """
create table "Customer" (
  id text primary key, email text, "fullName" text, "createdAt" timestamptz, is_deleted boolean not null default false,
  "rawData" jsonb, synced_at timestamptz not null default now());
create table "Charge" (
  id text primary key, amount numeric(14, 3), currency text, "createdAt" timestamptz, "customerId" text, paid boolean,
  is_deleted boolean not null default false, "rawData" jsonb, synced_at timestamptz not null default now());
create view "ChargeView" as select id, amount from "Charge";
insert into "Customer" (id, email, "fullName", "createdAt", "rawData")
select 'cus_' || n, n || '@shop.example', 'Name ' || n, to_timestamp(1700000000 + 60 * n),
       jsonb_build_object('id', 'cus_' || n, 'email', n || '@shop.example', 'full_name', 'Name ' || n,
                          'created', 1700000000 + 60 * n)
from generate_series(1, 20) as n;
insert into "Charge" (id, amount, currency, "createdAt", "customerId", paid, "rawData")
select 'ch_' || n, case n % 3 when 0 then 100 * n when 1 then n + 0.99 else n + 0.125 end,
       (array['JPY', 'EUR', 'KWD'])[n % 3 + 1], to_timestamp(1700000000 + 61 * n), 'cus_' || n % 20 + 1, n % 2 = 0,
       jsonb_build_object('id', 'ch_' || n, 'amount',
                          case n % 3 when 0 then 100 * n when 1 then 100 * n + 99 else 1000 * n + 125 end,
                          'currency', (array['JPY', 'EUR', 'KWD'])[n % 3 + 1], 'created', 1700000000 + 61 * n,
                          'customer', 'cus_' || n % 20 + 1, 'paid', n % 2 = 0)
from generate_series(1, 60) as n;
update "Customer" set is_deleted = true where email < '5'; -- most of them, and in both tables
update "Charge" set is_deleted = true where currency <> 'EUR';
"""

# A raw table that is partitioned, in a schema of its own, with quoted names; children in an object of the payload.
PARTED = """
create schema "Crm";
create table "Crm"."Workspace" (id integer primary key, "externalName" text, scopes text[] not null);
create table "Crm".landing (
  seq bigint generated always as identity, workspace_id integer references "Crm"."Workspace" (id), entity_type text,
  external_id text, body jsonb, "Checksum" text, via text, state text, landed_at timestamptz not null default now(),
  primary key (seq, landed_at)) partition by range (landed_at);
create table "Crm".landing_old partition of "Crm".landing for values from (minvalue) to ('2020-01-01');
create table "Crm".landing_new partition of "Crm".landing for values from ('2020-01-01') to (maxvalue);
create table "Crm"."Deal %" (
  pk bigint generated always as identity primary key, workspace_id integer not null references "Crm"."Workspace" (id),
  deal_uid uuid not null, "Deal Value" numeric(12, 2), win_rate numeric(5, 4), closed_on date, labels text[],
  removed_at timestamptz, unique (workspace_id, deal_uid));
create table "Crm"."Deal Stage" (
  pk bigint generated always as identity primary key, workspace_id integer not null references "Crm"."Workspace" (id),
  deal_uid uuid not null, step integer not null, label text, unique (workspace_id, deal_uid, step));
insert into "Crm"."Workspace" values (1, 'one', '{deals:read}'), (2, 'two', '{deals:read}');
with deal as (
  select n, n % 2 + 1 as workspace, md5(n::text)::uuid as uid from generate_series(1, 30) as n)
, stored as (
  insert into "Crm"."Deal %" (workspace_id, deal_uid, "Deal Value", win_rate, closed_on)
  select workspace, uid, n * 1.25, n / 100.0, date '2026-01-01' + n from deal)
, staged as (
  insert into "Crm"."Deal Stage" (workspace_id, deal_uid, step, label)
  select workspace, uid, step, 'Stage ' || n * step from deal cross join generate_series(1, 3) as step)
insert into "Crm".landing (workspace_id, entity_type, external_id, body, "Checksum", via, state)
select workspace, 'Deal', uid::text,
       jsonb_build_object('uid', uid, 'value', (n * 1.25)::text, 'win_rate', n / 100.0,
         'closed_on', date '2026-01-01' + n,
         'history', jsonb_build_object('stages',
           (select jsonb_agg(jsonb_build_object('label', 'Stage ' || n * step) order by step)
            from generate_series(1, 3) as step))),
       md5(n::text), case n % 2 when 0 then 'push_event' else 'poll' end, case when n < 3 then 'failed' else 'done' end
from deal;
"""

# No name is one of dsaudit's, no unique constraint tells the source's id, and no table lists the tenants: roles are
# told by what the columns hold. Money in minor units, epoch seconds, ids that stand deep in the record, a nested list.
UNLIKE = """
create schema lib;
create table lib.pile (
  seq bigserial primary key, house text not null, what text not null, mark text not null, doc jsonb not null,
  print text not null, came timestamptz not null, fate text not null, grumble text, settled timestamptz);
create table lib.borrower (
  rid uuid primary key, house text not null, mark text, called text, email text, since date, trusted boolean,
  touched timestamptz, gone_at timestamptz, pile_seq bigint references lib.pile, put timestamptz not null);
create table lib.loan (
  rid bigserial primary key, house text not null, loan_nr bigint, borrower_mark text, fee numeric, coin text,
  taken timestamptz, touched timestamptz, archived boolean not null default false, pile_seq bigint references lib.pile,
  put timestamptz not null);
create table lib.loan_book (house text not null, loan_nr bigint, spot integer, isbn text, days integer);
create table lib.librarian (id serial primary key, house text not null, login text, secret text);
insert into lib.librarian (house, login) select 'east', 'lib' || n from generate_series(1, 5) as n;
with made as (
  select house, n + base as n
  from (values ('east', 0), ('west', 5000)) as h (house, base) cross join generate_series(1, 150) as n)
, docs as (
  select house, 'reader' as what, 'card-' || n as mark, n,
         jsonb_build_object('ident', jsonb_build_object('card', 'card-' || n), 'name', 'Name ' || n,
           'contact', jsonb_build_object('mail', case when n % 7 > 0 then n || '@lib.example' end),
           'since', date '2024-01-01' + n % 900, 'trusted', n % 3 = 0,
           'touched', to_char(timestamptz '2026-01-01' + n * interval '1 min', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')) as doc
  from made
  union all
  select house, 'lending', n::text, n,
         jsonb_build_object('nr', n, 'reader', 'card-' || n, 'fee', 100 * n + 1,
           'coin', (array['EUR', 'JPY', 'KWD'])[n % 3 + 1],
           'taken', 1760000000 + 61 * n, 'touched', 1760000000 + 67 * n,
           'books', (select jsonb_agg(jsonb_build_object('isbn', 'isbn-' || n % 9 + k, 'days', 7 * k) order by k)
                     from generate_series(1, 1 + n % 3) as k))
  from made)
insert into lib.pile (house, what, mark, doc, print, came, fate, settled)
select house, what, mark, doc, md5(doc::text),
       timestamptz '2026-02-01' + row_number() over (order by what desc, n) * interval '1 s',
       'ok', timestamptz '2026-02-02' + n * interval '1 s'
from docs order by what desc, n;
insert into lib.borrower (rid, house, mark, called, email, since, trusted, touched, pile_seq, put)
select md5('b' || seq)::uuid, house, mark, doc ->> 'name', doc #>> '{contact,mail}', (doc ->> 'since')::date,
       (doc ->> 'trusted')::boolean, (doc ->> 'touched')::timestamptz, seq, settled
from lib.pile where what = 'reader';
insert into lib.loan (house, loan_nr, borrower_mark, fee, coin, taken, touched, pile_seq, put)
select house, mark::bigint, doc ->> 'reader',
       (doc ->> 'fee')::numeric / case doc ->> 'coin' when 'JPY' then 1 when 'KWD' then 1000 else 100 end,
       doc ->> 'coin',
       to_timestamp((doc ->> 'taken')::bigint), to_timestamp((doc ->> 'touched')::bigint), seq, settled
from lib.pile where what = 'lending';
insert into lib.loan_book
select house, mark::bigint, k, one ->> 'isbn', (one ->> 'days')::int
from lib.pile cross join jsonb_array_elements(doc -> 'books') with ordinality as b (one, k) where what = 'lending';
"""

# What somebody who knows it would write, without the source.
UNLIKE_WRITTEN = """
tenants: [{name: east, id: east}, {name: west, id: west}]
raw:
  table: lib.pile
  columns:
    row_id: seq
    tenant: house
    resource: what
    source_id: mark
    payload: doc
    content_hash: print
    via: none
    state: fate
    error: grumble
    received_at: came
    refined_at: settled
  states: {processed: [ok]}
defaults: {tenant: house, updated: touched}
resources:
  reader:
    table: lib.borrower
    key: mark
    id_from: ident.card
    deleted: gone_at
    refined_at: put
    built_from: pile_seq
    updated_column: touched
    fields:
      called: {from: name, as: text}
      email: {from: contact.mail, as: text}
      since: date
      trusted: boolean
      touched: instant
  lending:
    table: lib.loan
    key: loan_nr
    id_from: nr
    deleted: archived
    refined_at: put
    built_from: pile_seq
    updated_column: touched
    fields:
      borrower_mark: {from: reader, as: text}
      fee: {from: fee, as: money, currency: coin}
      coin: text
      taken: {from: taken, as: instant, epoch: seconds}
      touched: {from: touched, as: instant, epoch: seconds}
  loan_book:
    table: lib.loan_book
    key: [loan_nr, spot]
    id_from: [../nr, '#']
    nested: {in: lending, at: books}
    fields: {isbn: text, days: integer}
relations:
  - {child: lending.borrower_mark, parent: reader.mark, nullable: true}
  - {child: loan_book.loan_nr, parent: lending.loan_nr, nullable: true}
"""


@contextlib.contextmanager
def built(server_url: str, statements: str) -> Iterator[str]:
    """Make a database on the server, and drop it afterwards; yields the owner's URL."""
    name = f"drafted_{secrets.token_hex(4)}"
    with psycopg.connect(server_url, autocommit=True) as server:
        server.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    url = server_url.rsplit("/", 1)[0] + f"/{name}"
    try:
        with psycopg.connect(url) as owner:
            owner.execute(statements)  # type: ignore[call-overload]
        yield url
    finally:
        with psycopg.connect(server_url, autocommit=True) as server:
            server.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def drafted(url_env: str, root: Path, **given: Any) -> Draft:
    """Draft the database that an environment variable holds."""
    database = Database.open(Settings(url_env=url_env, statement_timeout=30))
    try:
        return draft(Request(given.pop("integration", "drafted"), url_env, root, **given), database)
    finally:
        database.close()


def shown(made: Draft) -> str:
    """Return the values of a draft as text, for a failing test."""
    return json.dumps(made.values(), indent=1, default=str, ensure_ascii=False)
