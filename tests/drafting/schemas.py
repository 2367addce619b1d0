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
from dsaudit.parameters.models import Database as Settings

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
