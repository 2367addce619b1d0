"""Wide orders in two databases and two files, and the differences between them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import psycopg

MADE = """
create table orders as
select i::bigint as id, md5(i::text)::uuid as token,
  (array['paid','pending','refunded','voided','authorized'])[1 + i % 5] as status,
  ((i::bigint * 7919) % 10000000 / 100.0)::numeric(12,2) as total,
  timestamptz '2026-01-01 00:00:00+00' + i * interval '1.000037 seconds' as updated_at,
  jsonb_build_object('test', i % 97 = 0, 'id', i, 'name', '#' || i, 'note', 'Größe M – naïve café № ' || i,
    'tags', array['été', 'b2b', 'Größe ' || i % 40], 'discount', null,
    'customer', jsonb_build_object('id', i % 100000, 'first_name', 'Zoë', 'last_name', 'Ångström', 'city', '東京'),
    'line_items', jsonb_build_array(
      jsonb_build_object('sku', 'SKU-' || i % 1000, 'quantity', i % 7 + 1, 'price', round(i % 9999 / 100.0, 2)::text),
      jsonb_build_object('sku', 'SKU-' || i % 777, 'quantity', i % 3 + 1, 'price', round(i % 5555 / 100.0, 2)::text)
    )) as payload
from generate_series(1, {rows}) as i
"""
# One line a record, as an API writes it: names in its own order, money and instants as text.
LINES = """
copy (
  select json_build_object('id', id, 'token', token, 'status', status, 'total', total::text, 'updated_at', updated_at,
    'payload', json_build_object('test', payload->'test', 'name', payload->'name', 'note', payload->'note',
      'customer', payload->'customer', 'line_items', payload->'line_items', 'tags', payload->'tags',
      'discount', payload->'discount', 'id', payload->'id'))
  from orders
) to stdout (format csv, quote e'\\x01', delimiter e'\\x02')
"""
# 50 missing, 50 extra, 25 each of four changes, scattered; by id, as an index finds them.
DIFFERENCES = [
    "delete from orders where id in (select generate_series(7, {rows}, {rows} / 50))",
    "insert into orders select id + {rows}, token, status, total, updated_at, payload from orders"
    " where id in (select generate_series(11, {rows}, {rows} / 50))",
    "update orders set status = status || ' ' where id in (select generate_series(13, {rows}, {rows} / 25))",
    "update orders set total = total + 0.01 where id in (select generate_series(17, {rows}, {rows} / 25))",
    "update orders set updated_at = updated_at + interval '1 microsecond'"
    " where id in (select generate_series(19, {rows}, {rows} / 25))",
    "update orders set payload = jsonb_set(payload, '{{test}}', to_jsonb(not (payload->>'test')::boolean))"
    " where id in (select generate_series(23, {rows}, {rows} / 25))",
]


def make(server_url: str, folder: Path, rows: int, say: Callable[[str], None] = print) -> dict[str, str]:
    """Make source, copy and files, and return where they are; `say` is told of each step."""
    base = server_url.rsplit("/", 1)[0]
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute("create database source")
    with psycopg.connect(f"{base}/source", autocommit=True) as connection:
        say(f"making {rows} orders")
        connection.execute(MADE.format(rows=rows))  # type: ignore[call-overload]
        say("writing them as JSON Lines")
        lines = folder / "orders.jsonl"
        with lines.open("wb") as file, connection.cursor().copy(LINES) as copy:
            for block in copy:
                file.write(block)
        connection.execute("alter table orders add primary key (id)")
        connection.execute("vacuum analyze orders")
    say("writing them as Parquet, and copying the database")
    _write_parquet(lines)
    with psycopg.connect(server_url, autocommit=True) as connection:
        # PostgreSQL 15 and later would write every page to its log first.
        how = " strategy file_copy" if connection.info.server_version >= 150_000 else ""
        connection.execute(f"create database copied template source{how}")  # type: ignore[call-overload]
    with psycopg.connect(f"{base}/copied", autocommit=True) as connection:
        for statement in DIFFERENCES:
            connection.execute(statement.format(rows=rows))  # type: ignore[call-overload]
        connection.execute("vacuum analyze orders")
    made = {"source": f"{base}/source", "copied": f"{base}/copied", "folder": str(folder)}
    return made | {"lines": str(lines), "parquet": str(lines.with_suffix(".parquet"))}


def _write_parquet(lines: Path) -> None:
    typed = "columns={id: 'BIGINT', status: 'VARCHAR', total: 'DECIMAL(12,2)', updated_at: 'TIMESTAMPTZ'}"
    with duckdb.connect(config={"memory_limit": "2GB", "preserve_insertion_order": False}) as connection:
        connection.execute(
            f"copy (from read_json('{lines}', format='newline_delimited', {typed}))"
            f" to '{lines.with_suffix('.parquet')}' (format parquet, compression zstd)"
        )
