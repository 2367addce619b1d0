"""The generated rows: as many as asked for, under every constraint, and told where that cannot be."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest

from dsaudit.scratch import Scratch, fill
from dsaudit.scratch.reflection import reflected
from tests.scratch.conftest import ROWS, Clone, cloned

pytestmark = pytest.mark.xdist_group("scratch")
EMPTY = {"public.signed", "public.needs_signed"}


@pytest.fixture(scope="module")
def room(filled: Scratch) -> Iterator[Scratch]:
    """A database for schemas of the tests' own."""
    with cloned(filled, ()) as clone:
        yield clone


def rows(scratch: Scratch, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(scratch.url) as connection:
        return connection.execute(query.encode()).fetchall()


def test_every_table_of_a_hard_schema_is_filled(filled: Scratch) -> None:
    short = {name for name, count in filled.counts.items() if count < ROWS and not filled.tables[name].partition_of}
    assert short == EMPTY | {"public.primes"}
    for name, table in filled.tables.items():
        assert rows(filled, f"select count(*) from {table.sql}") == [(filled.counts[name],)]


def test_what_stood_in_the_way_is_told_and_so_is_who_needed_it(filled: Scratch) -> None:
    assert filled.shortfalls == {
        "public.primes": f"2 of {ROWS} rows: its keys allow no more of these",
        "public.signed": "no row: signature_holds stood in the way",
        "public.needs_signed": "no row: signed_id stood in the way; nothing is in public.signed",
    }


@pytest.mark.parametrize(
    ("query", "least"),
    [
        ('select count(parent) from "Other Schema"."Line ""item"""', 50),
        ("select count(right_id) from left_", 50),
        ("select count(distinct left_id) from right_", 15),
        ("select count(*) from chickens join eggs on egg = eggs.id and chicken = chickens.id", ROWS),
        ('select count(distinct state) from "Order"', 3),
        ("select count(*) from events_2025", 5),
        ("select count(*) from events_2026", 5),
        ("select count(tenant_id) from attachments", 5),
        ("select count(product_key) from attachments", 5),
        ("select count(*) from follows where follower <> followed", ROWS - 5),
        ("select max(children) from (select count(*) as children from events group by tenant_id) as counted", 3),
    ],
)
def test_the_rows_are_of_use(filled: Scratch, query: str, least: int) -> None:
    ((found,),) = rows(filled, query)
    assert found >= least


def test_the_next_row_gets_a_number_that_is_free(clone: Clone) -> None:
    with psycopg.connect(clone().url) as connection:
        query = "insert into tenants (name, code, contact) values ('next', 'NEXT', 'a@b.example') returning id"
        assert connection.execute(query).fetchone() == (ROWS + 1,)


def test_every_seed_gives_the_same_rows_again_and_another_one_others(clone: Clone) -> None:
    texts = {}
    for run, seed in (("first", 1), ("again", 1), ("other", 2)):
        scratch = clone("truncate tenants, products cascade")
        fill(scratch, 5, seed)
        texts[run] = rows(scratch, "select name from tenants union all select sku from products")
    assert texts["first"] == texts["again"] != texts["other"]


@pytest.mark.parametrize(
    "table",
    [
        "create table t (a int check (a between 5 and 9), b text check (b in ('x', 'y')) not null)",
        "create table t (a numeric(4, 3) check (a > 0 and a <= 1) not null)",
        "create table t (a text not null check (a ~ '^https?://'), b text not null check (b ~ '^[A-Z]{3}$'))",
        "create table t (a text not null check (char_length(a) between 3 and 20 and a = lower(a)))",
        "create table t (a text not null check (a ~ '^[0-9a-f-]{36}$'))",
        "create table t (a date not null, b date not null, check (b > a), check (b <= a + 365))",
        "create table t (a timestamptz not null check (a <= now()), b timestamptz check (b is null or b >= a))",
        "create table t (a int not null, b int not null, c int not null, check (a + b = c))",
        "create table t (a text, b text, check ((a is null) <> (b is null)))",
        "create table t (a text not null, b text not null, check (a = b))",
        "create table t (a int[] not null check (array_length(a, 1) = 3), b jsonb not null check (b ? 'kind'))",
        "create table t (a int not null unique deferrable initially deferred, b int not null)",
        "create table t (a int primary key, b int not null references t (a), check (b <= a))",
        "create table t (a int generated always as (b * 2) stored check (a < 500), b int not null)",
        "create table t (a int4range not null, b daterange not null, exclude using gist (a with &&))",
        'create table t (a smallint not null, b real not null, c "char", d money, e bit varying, f tsvector, g xml)',
        "create table t (a int not null, b text not null) partition by list (b);"
        "create table t_x partition of t for values in ('x', 'y'); create table t_z partition of t for values in ('z')",
        "create table t (a int not null) partition by list (a); create table t_rest partition of t default",
        "create table p (a int, b int, primary key (a, b));"
        "create table t (a int not null, b int not null, c int not null,"
        "  foreign key (a, b) references p, foreign key (a, c) references p (a, b), unique (a, b, c))",
    ],
)
def test_constraints_of_many_kinds_are_satisfied(room: Scratch, table: str) -> None:
    schema = f"made_{secrets.token_hex(4)}"
    with psycopg.connect(room.url) as connection:
        connection.execute(f"create schema {schema}; set search_path = {schema}, public; {table}".encode())
        connection.commit()
        scratch = replace(room, tables=reflected(connection, [schema]), shortfalls={}, plans={}, counts={})
    counts = fill(scratch, 150)
    assert (scratch.shortfalls, {*counts.values()}) == ({}, {150})
