"""Nothing is read of a table that is no longer what it was at the run's instant, whichever way it is read."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import duckdb
import psycopg
import pytest

from dsaudit import server
from dsaudit.database import Database, SnapshotLost
from dsaudit.parameters.database import Database as Settings

TABLES = """
create table plain (id integer primary key, n integer, m integer);
insert into plain select g, g, 0 from generate_series(1, 9) as g;
create table spare (id integer primary key, n integer, m integer);
create table below as select * from plain;
create view seen as select * from below;
create materialized view kept as select * from below;
create table parted (id integer, n integer) partition by range (id);
create table part_1 partition of parted for values from (0) to (5);
create table part_2 partition of parted for values from (5) to (99);
insert into parted select id, n from plain;
create table part_3 as select 100 as id, 1 as n;
create table above (id integer, n integer);
create table heir () inherits (above);
insert into heir select id, n from plain;
create table other as select 100 as id, 1 as n;
"""
SWAPPED = "alter table plain rename to gone; alter table spare rename to plain"
CHANGES = [
    ("plain", "truncate plain"),
    ("plain", "alter table plain alter n type bigint"),
    ("plain", "cluster plain using plain_pkey"),
    ("plain", "vacuum full plain"),
    ("plain", "drop table plain; create table plain (id integer, n integer); grant select on plain to public"),
    ("plain", SWAPPED),
    ("plain", "alter table plain rename n to was; alter table plain rename m to n"),
    ("plain", "alter table plain drop n; alter table plain add n integer"),
    ("seen", "truncate below"),
    ("seen", "create or replace view seen as select * from below where false"),
    ("kept", "refresh materialized view kept"),
    ("parted", "truncate part_2"),
    ("parted", "drop table part_2"),
    ("parted", "alter table parted detach partition part_2"),
    ("parted", "alter table parted detach partition part_2 concurrently"),
    ("parted", "alter table parted attach partition part_3 for values from (100) to (200)"),
    ("above", "alter table heir no inherit above"),
    ("above", "alter table other inherit above"),
]
HARMLESS = [
    "alter table plain add more text",
    "create index on plain (n); reindex table plain",
    "grant select on plain to public",
    "vacuum analyze plain",
    "begin; alter table plain drop n; rollback",
    "truncate spare",
]


def queried(database: Database, table: str) -> int:
    return int(database.query(f"select count(n) from public.{table}").rows[0][0])


def streamed(database: Database, table: str) -> int:
    with database.stream(f"select n from public.{table}") as stream:
        return len(duckdb.from_arrow(stream).fetchall())


def explained(database: Database, table: str) -> int:
    return int(database.explain(f"select n from public.{table}", [{}], run=True)[0]["Plan"]["Actual Rows"])


pytestmark = pytest.mark.xdist_group("instants")  # they share one database
WAYS = [queried, streamed, explained]


@pytest.fixture(scope="module")
def owner(postgres: server.Server) -> Iterator[psycopg.Connection]:
    with psycopg.connect(postgres.url, autocommit=True) as administrator:
        administrator.execute("drop database if exists instants")
        administrator.execute("create database instants")
        with psycopg.connect(f"{postgres.url.rsplit('/', 1)[0]}/instants", autocommit=True) as connection:
            yield connection
        administrator.execute("drop database instants with (force)")


@pytest.fixture
def reader(owner: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    owner.execute("drop schema public cascade")
    owner.execute("create schema public")
    run(owner, TABLES)
    url = f"postgresql://postgres:{owner.info.password}@{owner.info.host}:{owner.info.port}/instants"
    monkeypatch.setenv("INSTANTS_URL", url)
    with contextlib.closing(Database.open(Settings(url_env="INSTANTS_URL"))) as database:
        with database.held_snapshot() as database.snapshot:
            yield database
        database.snapshot = None


def run(owner: psycopg.Connection, statements: str) -> None:
    """Run statements one by one: some will not be run inside of a transaction."""
    for statement in statements.split(";"):
        owner.execute(statement.encode())


@pytest.mark.parametrize(("table", "change"), CHANGES, ids=[change for _, change in CHANGES])
def test_a_change_after_the_instant_is_noticed_by_each_way_to_read(
    reader: Database, owner: psycopg.Connection, table: str, change: str
) -> None:
    assert queried(reader, table) == 9
    run(owner, change)
    for way in WAYS:
        with pytest.raises(SnapshotLost, match=r"was truncated, rewritten or redefined after the run's instant"):
            way(reader, table)


@pytest.mark.parametrize("change", HARMLESS)
def test_a_change_that_leaves_what_is_read_as_it_was_is_none(
    reader: Database, owner: psycopg.Connection, change: str
) -> None:
    run(owner, change)
    assert [way(reader, "plain") for way in WAYS] == [9, 9, 9]


def test_a_table_is_read_as_it_was_redefined_before_the_instant(reader: Database, owner: psycopg.Connection) -> None:
    run(owner, SWAPPED)
    with reader.held_snapshot() as reader.snapshot:
        assert queried(reader, "plain") == 0


def test_a_session_that_was_ended_while_it_lay_idle_is_replaced_at_the_same_instant(
    reader: Database, owner: psycopg.Connection
) -> None:
    ((session,),) = reader.query("select pg_backend_pid()").rows
    owner.execute("select pg_terminate_backend(%s, 5000)", [session])
    owner.execute("delete from plain")
    assert queried(reader, "plain") == 9
