"""Causes where everything differs: each difference has to get one, the right one, in bounded time and memory.

Beside it stands the same system without a difference, audited by the same checks: what is above that is for the causes.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path

import psycopg

from dsaudit import server
from tests.benchmarks.cost import SETTINGS, measured, postmaster, write_down
from tests.checks.auditing import all_rows, opened

CHECKS = [
    *("source_missing_in_raw", "source_missing_in_refined", "refined_missing_at_source"),
    *("field_differences", "raw_differs_from_source"),
]
# Of every five orders one never came though it was sent, one is pending, one failed, one has another status, and one
# is no longer at the source and nobody was told.
DIFFERENT = {
    "NEVER_RECEIVED": 2,  # not in raw, and not in the table
    "REFINE_PENDING": 1,
    "REFINE_ERROR": 1,
    "ENCODING": 1,
    "MISSED_DELETE": 1,
}
TABLES = """
create table raw (
  id bigint primary key, tenant_id text not null, object_type text not null, source_id text not null,
  payload jsonb not null, status text not null, error_message text, received_at timestamptz not null,
  changed timestamptz not null);
create table orders (
  order_id bigint primary key, status text not null, total numeric(12, 2) not null, changed timestamptz not null,
  refined_at timestamptz not null, raw_id bigint not null);
create table delivery (
  delivery_id bigint primary key, tenant_id text not null, topic text not null, source_id text not null,
  sent_at timestamptz not null, received_at timestamptz not null, outcome text not null);
create table wide as
select i::bigint as id, timestamptz '2026-01-01 00:00:00+00' + i * interval '1 second' as at,
  jsonb_build_object('id', i, 'status', 'paid', 'total', ((i::bigint * 7919) % 1000000 / 100.0)::numeric(12, 2)::text,
    'updated_at', timestamptz '2026-01-01 00:00:00+00' + i * interval '1 second', 
    'note', 'Größe M – naïve café № ' || i,
    'customer', jsonb_build_object('id', i % 100000, 'first_name', 'Zoë', 'last_name', 'Ångström', 'city', '東京'),
    'line_items', jsonb_build_array(
      jsonb_build_object('sku', 'SKU-' || i % 1000, 'quantity', i % 7 + 1, 'price', i % 9999 / 100.0))) as payload
from generate_series(1, ROWS) as i;
insert into raw
select id, 'one', 'order', id::text, payload, 'processed', null, at + interval '1 second', at from wide;
insert into orders
select id, 'paid', (payload ->> 'total')::numeric, at, at + interval '2 seconds', id from wide;
insert into delivery
select id, 'one', 'orders/create', id::text, at, at + interval '1 second', 'accepted' from wide;
"""
DAMAGE = """
delete from raw where id % 5 = 0;
delete from orders where order_id % 5 in (0, 1, 2);
update raw set status = 'pending' where id % 5 = 1;
update raw set status = 'error', error_message = 'ValueError: no such status' where id % 5 = 2;
update orders set status = status || ' ' where order_id % 5 = 3;
"""
INDEXES = """
create index on raw (tenant_id, object_type, source_id);
create index on delivery (tenant_id, source_id);
analyze raw, orders, delivery
"""
PARAMETERS = """
integration: causes
database: {url_env: BENCH_URL, statement_timeout: 600, snapshot_age: 3600}
policy: {in_flight_seconds: 1, clock_error_seconds: 0}
source: {kind: files, folder: FOLDER}
tenants: [{name: one, id: one}]
raw: {table: raw, columns: {source_id: source_id, changed_at: changed, content_hash: none, via: none}}
deliveries: {table: delivery}
resources:
  order:
    table: orders
    key: order_id
    read: orders.jsonl
    updated: updated_at
    updated_column: changed
    refined_at: refined_at
    built_from: raw_id
    webhooks: [orders/create]
    fields: {status: text, total: money, changed: {from: updated_at, as: instant}}
"""


LINES = "copy (select payload from wide where {kept}) to stdout (format csv, quote e'\\x01', delimiter e'\\x02')"


def audited(folder: Path) -> dict[str, int]:
    """Run the comparing checks on the system in `folder`, and count the causes of what they find."""
    found: Counter[str] = Counter()
    with opened(folder / "parameters" / "causes.yml", {}) as one:
        for check in CHECKS:
            found.update(str(row["cause"]) for row in all_rows(one, one.check(check)))
    return dict(found)


def main(many: int) -> None:
    """Audit `many` orders that are the same on all sides, and as many that all differ."""
    lines = ["| | wall s | client CPU s | PostgreSQL CPU s | MB | causes |", "|---|" + "---:|" * 4 + "---|"]
    with (
        tempfile.TemporaryDirectory(prefix="dsaudit-bench-") as folder,
        server.running(Path(folder), SETTINGS) as one,
    ):
        base = one.url.rsplit("/", 1)[0]
        for name in ("equal", "different"):
            _make(one.url, f"{base}/{name}", Path(folder) / name, many, name == "different")
            words = [sys.executable, "-m", "tests.benchmarks.causes", str(Path(folder) / name)]
            os.environ["BENCH_URL"] = f"{base}/{name}"
            cost = measured(words, "", postmaster(one.url))
            expected = {cause: many // 5 * share for cause, share in DIFFERENT.items()} if name == "different" else {}
            note = "" if cost.found == json.dumps(expected, sort_keys=True) else " (not as planted)"
            figures = " | ".join(f"{figure:.1f}" for figure in (cost.wall, cost.client, cost.postgres))
            lines.append(f"| {name} | {figures} | {cost.memory:.0f} | {cost.found}{note} |")
            print(lines[-1], flush=True)
    write_down(f"Causes of {many:,} differing orders".replace(",", " "), f"PostgreSQL {one.version}.", lines)


def _make(server_url: str, url: str, folder: Path, many: int, damaged: bool) -> None:
    name = url.rsplit("/", 1)[1]
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"create database {name}")  # type: ignore[call-overload]
    for path in ("parameters", "notebooks", "one"):
        (folder / path).mkdir(parents=True)
    text = PARAMETERS.replace("FOLDER", str(folder)).strip() + "\n"
    (folder / "parameters" / "causes.yml").write_text(text, encoding="utf-8")
    with psycopg.connect(url) as connection:
        for statement in f"{TABLES}{DAMAGE if damaged else ''}{INDEXES}".split(";\n"):
            connection.execute(statement.replace("ROWS", str(many)))  # type: ignore[call-overload]
        copied = LINES.format(kept="id % 5 <> 4" if damaged else "true")
        path = folder / "one" / "orders.jsonl"
        with path.open("wb") as file, connection.cursor().copy(copied) as copy:
            for block in copy:
                file.write(block)


if __name__ == "__main__":
    print(json.dumps(audited(Path(sys.argv[1])), sort_keys=True))
