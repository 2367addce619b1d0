"""Another SQL database as source: exact, streamed, one instant, read only, and no password in any message."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy.engine import make_url

from dsaudit import server
from dsaudit.parameters import ParameterError, Parameters
from dsaudit.source import reachable, sql
from tests.source.providers import Reader, ids, not_whole

SOURCE = "{kind: sql, url_env: SHOP_DATABASE}"
BIG = "12345678901234567890.1230"


@pytest.fixture
def database(postgres: server.Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[psycopg.Connection[Any]]:
    """A schema of its own, and the URL of the server in the environment; its sessions are in another time zone."""
    monkeypatch.setenv("SHOP_DATABASE", postgres.url)
    plain = make_url(postgres.url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute("drop schema if exists shop cascade")
        connection.execute("create schema shop")
        connection.execute(
            'create table shop."Order: all" (id bigint, total numeric, note text, paid timestamptz, local timestamp, '
            "payload jsonb, text_payload json, raw bytea, single real, odd numeric)"
        )
        yield connection
        connection.execute("drop schema shop cascade")


def test_postgres_is_read_exactly(database: psycopg.Connection[Any], read: Reader) -> None:
    database.execute("set time zone 'Asia/Kathmandu'")
    database.execute(
        """insert into shop."Order: all" values (9007199254740993, %s, '100 %% :x', '2026-11-20 12:00:00.123456+01',
        '2026-11-20 12:00', %s, %s, 'x', 0.1, 'NaN'), (2, 1.50, '', null, null, null, null, null, null, null)""",
        [BIG, f'{{"a": {BIG}}}', f'{{"a":\n{BIG},\n"b": "\\ud800"}}'],
    )
    recording = read(source=SOURCE, read="'shop.Order: all'")
    assert recording.problem("shop", "order") is None
    one, two = (item.record for item in recording.items("shop", "order"))
    assert {name: str(value) for name, value in one.items()} == {
        "id": "9007199254740993",
        "total": BIG,
        "note": "100 % :x",
        "paid": "2026-11-20T11:00:00.123456+00:00",
        "local": "2026-11-20T12:00:00",
        "payload": f"{{'a': Decimal('{BIG}')}}",
        "text_payload": f"{{'a': Decimal('{BIG}'), 'b': '\\ud800'}}",
        "raw": "\\x78",
        "single": "0.1",
        "odd": "NaN",
    }
    assert (str(two["total"]), two["note"], two["paid"]) == ("1.50", "", None)


def test_the_padding_of_a_char_is_no_part_of_its_value(database: psycopg.Connection[Any], read: Reader) -> None:
    database.execute('create table shop.t (id char(6), "a: %%s" char(4), b bpchar, c text)')
    database.execute("insert into shop.t values ('x', ' y', 'z ', 'w '), ('v', null, '', ' ')")
    recording = read(source=SOURCE, read="shop.t")
    assert recording.problem("shop", "order") is None
    assert [list(item.record.values()) for item in recording.items("shop", "order")] == [
        ["x", " y", "z", "w "],
        ["v", None, "", " "],
    ]
    assert ids(recording) == ["x", "v"]


@pytest.mark.parametrize("count", [0, 1, 999, 1000, 1001, 5000])
def test_all_rows_and_only_those(database: psycopg.Connection[Any], read: Reader, count: int) -> None:
    database.execute('insert into shop."Order: all" (id) select generate_series(1, %s)', [count])
    recording = read(source=SOURCE, read="'select id from shop.\"Order: all\" order by id'")
    assert ids(recording) == [str(key) for key in range(1, count + 1)]
    assert recording.count("shop", "order") == count


def test_a_select_binds_account_and_tenant_and_a_colon_can_be_written(
    database: psycopg.Connection[Any], read: Reader
) -> None:
    select = "select 1 as id, :account as a, :tenant as t, cast('x' as text)::text || '\\:b 12:30 %s' as note -- all;"
    recording = read(source=SOURCE, read=f'"{select}"'.replace("\\", "\\\\"))
    (item,) = recording.items("shop", "order")
    assert (item.record["a"], item.record["t"], item.record["note"]) == ("shop", "1", "x:b 12:30 %s")


@pytest.mark.parametrize(
    ("select", "told"),
    [
        ("select nextval('shop.s') as id", "read-only transaction"),
        ("with a as (delete from shop.t returning 1 as id) select id from a", "WITH"),
        ("delete from shop.t", "does not exist"),
        ("select 1 as id; delete from shop.t", "syntax error"),
        ("select :other as id", "binds :other"),
        ("select 1 as id, 2 as id", "a name is given twice"),
        ("shop.nothing", 'relation "shop.nothing" does not exist'),
        ("select 's3cret'::int as id", "invalid input syntax"),
        ("select case when id = 3000 then pg_terminate_backend(pg_backend_pid()) end, id from "
         "generate_series(1, 5000) as g (id)", "the connection broke or was cut"),
        ("select 1 as id union all select 1", "came twice"),
        ("select null as id", "1 record has no id"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told(select: str, told: str, database: psycopg.Connection[Any], read: Reader) -> None:
    database.execute("create table shop.t (id int); insert into shop.t values (1); create sequence shop.s")
    problem = not_whole(read(source=SOURCE, read=f'"{select}"'))
    assert told in problem and "s3cret" not in problem
    assert database.execute("select count(*) from shop.t").fetchone() == (1,)


def test_rows_that_row_security_would_hide_are_an_error(
    database: psycopg.Connection[Any], read: Reader, monkeypatch: pytest.MonkeyPatch, postgres: server.Server
) -> None:
    database.execute(
        "drop role if exists shop_reader; create role shop_reader login password 's3cret'; "
        "create table shop.t (id int); insert into shop.t values (1), (2); alter table shop.t enable row level "
        "security; create policy one on shop.t using (id = 1); grant usage on schema shop to shop_reader; "
        "grant select on shop.t to shop_reader"
    )
    url = make_url(postgres.url).set(username="shop_reader", password="s3cret")
    monkeypatch.setenv("SHOP_DATABASE", url.render_as_string(hide_password=False))
    try:
        assert "row-level security" in (problem := not_whole(read(source=SOURCE, read="shop.t")))
        assert "s3cret" not in problem
    finally:
        database.execute("drop table shop.t; revoke all on schema shop from shop_reader; drop role shop_reader")


def test_a_count_of_another_table_is_held_against_the_rows(database: psycopg.Connection[Any], read: Reader) -> None:
    database.execute("create table shop.t (id int); insert into shop.t values (1)")
    given = {"source": SOURCE, "read": "shop.t"}
    recording = read(**given, more=', count: "select 2"')
    assert "1 record was read, but the source counts 2" in not_whole(recording)
    assert "expected one number" in not_whole(read(**given, more=', count: "select null"'))
    assert read(**given, more=', count: "select count(*) from shop.t"').count("shop", "order") == 1


def test_rows_that_are_lost_on_the_way_are_told(
    database: psycopg.Connection[Any], read: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.execute("create table shop.t (id int); insert into shop.t select generate_series(1, 2500)")
    whole = sql.Tables._records
    monkeypatch.setattr(sql.Tables, "_records", lambda *parts: islice(whole(*parts), 2))
    problem = not_whole(read(source=SOURCE, read="shop.t"))
    assert "2\u2009000 records were read, but the source counts 2\u2009500" in problem


def test_rows_and_their_count_are_of_one_instant(
    database: psycopg.Connection[Any], read: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.execute("create table shop.t (id int); insert into shop.t values (1)")
    whole = sql.Tables._records

    def meanwhile(*parts: Any) -> Any:
        yield from whole(*parts)
        database.execute("insert into shop.t values (2)")

    monkeypatch.setattr(sql.Tables, "_records", meanwhile)
    assert read(source=SOURCE, read="shop.t").count("shop", "order") == 1


# Other databases than PostgreSQL


@pytest.fixture
def lite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[sqlite3.Connection]:
    monkeypatch.setenv("SHOP_DATABASE", f"sqlite:///{tmp_path}/shop.db")
    connection = sqlite3.connect(tmp_path / "shop.db")
    yield connection
    connection.close()


def test_sqlite_is_read_and_not_written(lite: sqlite3.Connection, read: Reader) -> None:
    lite.execute("create table orders (id integer, total text, share real, raw blob)")
    lite.executemany("insert into orders values (?, ?, 0.1, x'78')", [(key, BIG) for key in range(2500)])
    lite.commit()
    recording = read(source=SOURCE, read="orders")
    assert recording.count("shop", "order") == 2500
    first = next(iter(recording.items("shop", "order"))).record
    assert first == {"id": 0, "total": BIG, "share": Decimal("0.1"), "raw": "\\x78"}
    assert "two columns of one name" in not_whole(read(source=SOURCE, read="'select id, id from orders'"))
    assert "no such table" in not_whole(read(source=SOURCE, read="absent"))
    assert "the select: " in not_whole(read(source=SOURCE, read="'with a as (select 1) delete from orders'"))


# Ways in


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgresql://user:s3cret@127.0.0.1:9/shop", "SHOP_DATABASE"),
        ("mysql+nodriver://user:s3cret@h/d", "no driver for mysql+nodriver is installed"),
        ("s3cret", "SHOP_DATABASE is no URL"),
        ("", "the environment variable SHOP_DATABASE is not set"),
    ],
)
def test_no_way_in_is_one_line_without_the_password(
    url: str, told: str, parameters: Callable[..., Parameters], read: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_DATABASE", url)
    declared = parameters(source=SOURCE)
    assert "SHOP_DATABASE" in declared.secrets()
    for problem in (dict(reachable(declared))["shop"] or "", not_whole(read(source=SOURCE))):
        assert told in problem and "s3cret" not in problem and "\n" not in problem


def test_a_database_that_is_there_answers(lite: sqlite3.Connection, parameters: Callable[..., Parameters]) -> None:
    assert dict(reachable(parameters(source=SOURCE))) == {"shop": None}


def test_several_tenants_do_not_share_all_rows(parameters: Callable[..., Parameters], tmp_path: Path) -> None:
    path = parameters(source=SOURCE, read="shop.orders").path
    two = path.read_text().replace("tenants: [", "tenants: [{name: other, id: 2}, ")
    path.write_text(two)
    from dsaudit.parameters import load

    with pytest.raises(ParameterError, match="several tenants need a select that binds :account or :tenant"):
        load(path)
    path.write_text(two.replace("shop.orders", "'select * from shop.orders where shop = :account'"))
    assert load(path).tenant_names == ["other", "shop"]
