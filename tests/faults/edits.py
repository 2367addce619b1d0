"""Edits a storefront's tables at random, as nobody foresaw: no answer key says what is wrong, the reference does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from psycopg import sql
from psycopg.rows import dict_row

from tests.faults.reference.declared import Resource, declared

Row = dict[str, Any]
RAW = "shopify_raw_ingest"
CONSTRAINTS = """select conrelid::regclass::text as place, conname as name from pg_constraint
    where contype in ('u', 'f') and connamespace = 'public'::regnamespace order by 1, 2"""
COPIED = """insert into {table} select (jsonb_populate_record(one, jsonb_build_object('id', {key}))).*
    from {table} as one where id = %(id)s"""
# What is done to one version received.
RAW_EDITS = (
    *("delete from {table} where id = %(id)s", COPIED.replace("{key}", "(select max(id) + 1 from {table})")),
    *(
        f"update {{table}} set {what} where id = %(id)s"
        for what in (
            """payload = payload || '{"note": "another", "more": null}'""",
            """payload = payload || '{"more": null}'""",
            "payload = '[1]'",
            "dedupe_hash_canonical = repeat('0', 64)",
            "dedupe_hash_canonical = null",
            "is_deletion = not is_deletion",
            "processing_status = 'skipped'",
            "processing_status = 'error'",
            "source_updated_at = source_updated_at - interval '1 day'",
            "observed_at = observed_at - interval '1 hour'",
            "shopify_object_id = ' '",
            "shopify_object_id = shopify_object_id || '.0'",
            "integration_id = (select id from integration where id <> integration_id limit 1)",
            "delivery_id = (select max(delivery_id) from {table})",
        )
    ),
)
# What is done to one refined row, beside another value of a declared field.
REFINED_EDITS = (
    *("delete from {table} where id = %(id)s", COPIED.replace("{key}", "gen_random_uuid()")),
    *(
        f"update {{table}} set {what} where id = %(id)s"
        for what in (
            "integration_id = (select id from integration where id <> integration_id limit 1)",
            "deleted_at = now()",
            "deleted_at = null",
            "raw_ingest_id = raw_ingest_id - 1",
            "{link} = gen_random_uuid()",
            "{link} = null",
            "{key} = null",
        )
    ),
)


def edit(sample: Any, seed: int, count: int) -> None:
    """Make so many edits of refined rows, and half as many of raw rows; no constraint is left to refuse them."""
    random, given = Random(f"edits {seed}"), declared(Path(sample.parameters))
    with sample.owner() as connection:
        cursor = connection.cursor(row_factory=dict_row)
        _loosened(cursor)
        for _ in range(count):
            resource = random.choice([*given.resources.values()])
            links = [one.child.split(".")[1] for one in given.relations if one.child.startswith(f"{resource.name}.")]
            _edited(cursor, resource, links, random)
        for _ in range(count // 2):
            _done(cursor, RAW, random.choice(RAW_EDITS), random)


def _loosened(cursor: Any) -> None:
    for one in cursor.execute(CONSTRAINTS).fetchall():
        name = sql.Identifier(one["name"]).as_string()
        cursor.execute(f"alter table {one['place']} drop constraint {name} cascade")
    columns = """select table_name as place, column_name as name from information_schema.columns
        where table_schema = 'public' and table_name like 'shopify%' and column_name <> 'id' and is_nullable = 'NO'"""
    for one in cursor.execute(columns).fetchall():
        name = sql.Identifier(one["name"]).as_string()
        cursor.execute(f"alter table {one['place']} alter column {name} drop not null")


def _edited(cursor: Any, resource: Resource, links: list[str], random: Random) -> None:
    table = resource.given["table"]
    if random.random() < 0.5:
        column = sql.Identifier(random.choice([*resource.fields]).column).as_string()
        row = _some_row(cursor, table, random, f"{column} is not null")
        if row:
            value = _another(row[column.strip('"')], random)
            cursor.execute(f"update {table} set {column} = %s where id = %s", [value, row["id"]])
        return
    statement = random.choice(REFINED_EDITS)
    if "{link}" not in statement or links:
        link, key = random.choice(links or [""]), random.choice(resource.key)
        _done(cursor, table, statement.replace("{link}", link).replace("{key}", key), random)


def _done(cursor: Any, table: str, statement: str, random: Random) -> None:
    row = _some_row(cursor, table, random, "true")
    if row:
        cursor.execute(statement.replace("{table}", table), {"id": row["id"]})


def _some_row(cursor: Any, table: str, random: Random, condition: str) -> Row | None:
    rows: list[Row] = cursor.execute(f"select * from {table} where {condition} order by id").fetchall()
    return random.choice(rows) if rows else None


def _another(value: Any, random: Random) -> Any:
    """Another value of the same type, close to the one there is; now and then none."""
    if random.random() < 0.2:
        return None
    others: dict[type, Callable[[Any], list[Any]]] = {
        bool: lambda one: [not one],
        int: lambda one: [one + 1, -one - 1],
        Decimal: lambda one: [-one - 1, one + Decimal("0.0001"), one * 100 + 1],
        str: lambda one: [f"{one} ", f" {one}", f"{one}\u0301", one[:-1] + "?", ""],
        datetime: lambda one: [one + timedelta(microseconds=1), one - timedelta(hours=1)],
        date: lambda one: [one + timedelta(days=1)],
    }
    return random.choice(others[type(value)](value))
