"""The whole audit of a system by its size: 100 000, a million, ten million raw rows, and what reading them once costs.

Each order has a raw row, a refined row, a delivery and a customer. The source is left out: what is measured is what the
checks read of the database. The floor reads every table once, each value of it.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import psycopg

from dsaudit import server
from dsaudit.parameters import project_root
from tests.benchmarks import drawing
from tests.benchmarks.cost import SETTINGS, Cost, measured, postmaster, write_down

SIZES = (100_000, 1_000_000, 10_000_000)
SLOWEST, CUSTOMERS = 12, 100_000
TABLES = """
create table customers (
  customer_id bigint primary key, tenant_id text not null, state text not null, refined_at timestamptz not null);
create table raw (
  id bigint primary key, tenant_id text not null, object_type text not null, source_id text not null,
  payload jsonb not null, content_hash text not null, status text not null, error_message text,
  received_at timestamptz not null, changed timestamptz not null, delivery_id text not null,
  refined_at timestamptz not null);
create table orders (
  order_id bigint primary key, tenant_id text not null, customer_id bigint not null, status text not null,
  total numeric(12, 2) not null, changed timestamptz not null, refined_at timestamptz not null, raw_id bigint not null);
create table delivery (
  delivery_id text primary key, tenant_id text not null, topic text not null, source_id text not null,
  sent_at timestamptz not null, received_at timestamptz not null, outcome text not null);
create temporary table made as
select i::bigint as id, at, '{"customer":{"city":"Porto","id":' || i % CUSTOMERS || ',"name":"Zoe Angstrom"},"id":' || i
  || ',"line_items":[{"price":"' || (i % 9999 / 100.0)::numeric(8, 2) || '","quantity":' || i % 7 + 1 || ',"sku":"SKU-'
  || i % 1000 || '"}],"note":"left at the door of number ' || i || '","status":"paid","total":"'
  || ((i::bigint * 7919) % 1000000 / 100.0)::numeric(12, 2) || '","updated_at":"'
  || to_char(at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') || '"}' as payload
from (select i, timestamptz '2026-01-01 00:00:00+00' + i * interval '1 second' as at from generate_series(1, ROWS) as i)
  as one;
insert into raw
select id, 'one', 'order', id::text, payload::jsonb, encode(sha256(payload::bytea), 'hex'), 'processed', null,
  at + interval '1 second', at, 'd-' || id, at + interval '2 seconds' from made;
insert into orders
select id, 'one', id % CUSTOMERS, 'paid', ((id * 7919) % 1000000 / 100.0)::numeric(12, 2), at,
  at + interval '2 seconds', id from made;
insert into delivery
select 'd-' || id, 'one', 'orders/create', id::text, at, at + interval '1 second', 'accepted' from made;
insert into customers
select i, 'one', 'active', timestamptz '2026-01-01 00:00:02+00' from generate_series(0, CUSTOMERS - 1) as i;
insert into raw
select -1 - i, 'one', 'customer', i::text, payload::jsonb, encode(sha256(payload::bytea), 'hex'), 'processed', null,
  at, at, 'c-' || i, at + interval '1 second'
from (select i, '{"id":' || i || ',"state":"active"}' as payload, timestamptz '2026-01-01 00:00:01+00' as at
  from generate_series(0, CUSTOMERS - 1) as i) as one;
create index on raw (tenant_id, object_type, source_id);
create index on raw (delivery_id);
create index on delivery (tenant_id, source_id);
create index on orders (customer_id);
vacuum (analyze) raw, orders, delivery, customers
"""
PARAMETERS = """
integration: scale
blueprints: [datasource]
environment: development
database: {url_env: BENCH_URL, statement_timeout: 900, snapshot_age: 3600}
policy: {in_flight_seconds: 60, latency_seconds: 60}
tenants: [{name: one, id: one}]
raw:
  table: raw
  hash: {canonical: sorted_json, digest: sha256}
  columns: {source_id: source_id, changed_at: changed, via: none}
deliveries: {table: delivery}
resources:
  order:
    table: orders
    key: order_id
    tenant: tenant_id
    updated: updated_at
    updated_column: changed
    refined_at: refined_at
    built_from: raw_id
    webhooks: [orders/create]
    fields: {status: text, total: money, changed: {from: updated_at, as: instant}}
  customer: {table: customers, key: customer_id, tenant: tenant_id, refined_at: refined_at}
relations:
  - {child: order.customer_id, parent: customer.customer_id}
"""
FLOOR = "select sum(hashtextextended(x::text, 0)) from {table} as x"
HEAD = "| rows | wall s | client CPU s | PostgreSQL CPU s | CPU s | MB | floor, CPU s | CPU against the floor |"


def main(largest: int) -> None:
    """Audit the system at each size up to `largest`."""
    costs: list[Cost] = []
    floors: list[float] = []
    lines, slow = [HEAD, "|---:" * 8 + "|"], dict[str, dict[int, float]]()
    for rows in (one for one in SIZES if one <= largest):
        with (
            tempfile.TemporaryDirectory(prefix="dsaudit-bench-") as folder,
            server.running(Path(folder), SETTINGS) as one,
        ):
            cost, floor, took = _measured(Path(folder), one, rows)
        whole, least = cost.client + cost.postgres, floor.client + floor.postgres
        costs.append(cost)
        floors.append(least)
        figures = (cost.wall, cost.client, cost.postgres, whole, cost.memory, least, whole / least)
        lines.append(f"| {rows:,} | ".replace(",", " ") + " | ".join(f"{figure:.1f}" for figure in figures) + " |")
        print(lines[-1], flush=True)
        for check, seconds in took.items():
            slow.setdefault(check, {})[rows] = seconds
    sizes = [one for one in SIZES if one <= largest]
    lines += ["", "The slowest checks, in seconds:", "", "| | " + " | ".join(f"{one:,}" for one in sizes) + " |"]
    lines.append("|---|" + "---:|" * len(sizes))
    for check in sorted(slow, key=lambda name: -slow[name][sizes[-1]])[:SLOWEST]:
        lines.append(f"| {check} | " + " | ".join(f"{slow[check].get(one, 0):.2f}" for one in sizes) + " |")
    print("\n".join(lines))
    if len(sizes) > 1:
        cpu = {"the audit": [one.client + one.postgres for one in costs], "the floor": floors}
        lines += ["", drawing.lines("scale", "CPU seconds by raw rows", sizes, cpu, "CPU seconds")]
    write_down("The whole audit by size", f"PostgreSQL {one.version}.", lines)


def built(url: str, rows: int) -> None:
    """Make the tables with so many raw orders."""
    with psycopg.connect(url, autocommit=True) as connection:
        made = TABLES.replace("ROWS", str(rows)).replace("CUSTOMERS", str(min(rows, CUSTOMERS)))
        for statement in made.split(";\n"):
            connection.execute(statement.encode())


def _measured(folder: Path, one: server.Server, rows: int) -> tuple[Cost, Cost, dict[str, float]]:
    os.environ["BENCH_URL"] = one.url
    built(one.url, rows)
    path = folder / "scale.yml"
    path.write_text(PARAMETERS.strip() + "\n", encoding="utf-8")
    python = [sys.executable, "-m", "tests.benchmarks.scale"]
    floor = measured([*python, "floor"], "", postmaster(one.url))
    audit = [*python, "audit", str(path), str(folder / "reports")]
    cost = measured([sys.executable, "-m", "tests.benchmarks.reaping", *audit], "", postmaster(one.url))
    told = json.loads(cost.found or '{"status": 1}')
    if told["status"]:
        raise SystemExit(f"the audit of {rows} rows failed")
    cost = replace(cost, memory=told["memory"], found="")
    (result,) = (folder / "reports").glob("scale/*/result.json")
    verdicts = json.loads(result.read_text(encoding="utf-8"))["verdicts"]
    return cost, floor, {verdict["check"]: verdict["seconds"] for verdict in verdicts}


def floor() -> str:
    """Read every row of every table once."""
    with psycopg.connect(os.environ["BENCH_URL"]) as connection:
        connection.execute("set max_parallel_workers_per_gather = 0")
        for table in ("raw", "orders", "delivery", "customers"):
            connection.execute(FLOOR.format(table=table).encode())
    return "read once"


def audit(path: str, out: str) -> str:
    """Run the blueprint, and return how it ended."""
    from click.testing import CliRunner

    from dsaudit.cli import main as command

    os.chdir(project_root())
    done = CliRunner().invoke(command, ["run", path, "--out", out])
    return (done.output.strip().splitlines() or [repr(done.exception)])[0]


if __name__ == "__main__":
    print(floor() if sys.argv[1] == "floor" else audit(*sys.argv[2:]))
