"""Never harm the database: every layer is tried with the others off, and a query sees one instant."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator

import psycopg
import pytest
import sqlalchemy as sa

from dsaudit.database import Database, DatabaseError, QueryError, SnapshotLost, TimeLimit
from dsaudit.database.identity import guard, identify
from dsaudit.parameters import load
from dsaudit.parameters.database import Database as Settings
from tests import ledger

COUNT = "select count(*) as n from ledger.invoice"


@pytest.fixture
def system(new_ledger: Callable[..., ledger.Ledger], monkeypatch: pytest.MonkeyPatch) -> ledger.Ledger:
    one = new_ledger()
    monkeypatch.setenv("LEDGER_URL", one.environment["LEDGER_URL"])
    monkeypatch.setenv("LEDGER_OWNER", one.owner_url)
    return one


@pytest.fixture
def reader(system: ledger.Ledger) -> Iterator[Database]:
    database = Database.open(Settings(url_env="LEDGER_URL"))
    yield database
    database.close()


@pytest.fixture
def owner(system: ledger.Ledger) -> Iterator[Database]:
    """A reader with a role that may do anything, so that only the transaction protects."""
    database = Database.open(Settings(url_env="LEDGER_OWNER"))
    yield database
    database.close()


def count(database: Database) -> int:
    return int(database.query(COUNT).frame["n"][0])


# One instant ------------------------------------------------------------------------------------------------------


def test_all_queries_under_a_snapshot_see_one_instant(reader: Database, system: ledger.Ledger) -> None:
    with reader.held_snapshot() as snapshot:
        reader.snapshot = snapshot
        before = count(reader)
        system.execute("insert into ledger.invoice (org, store, number) values ('N', 'new', '1')")
        assert count(reader) == before
    reader.snapshot = None
    assert count(reader) == before + 1


def test_what_is_too_much_to_be_held_comes_in_batches_at_the_same_instant(
    reader: Database, system: ledger.Ledger
) -> None:
    numbers = "select number from ledger.invoice, generate_series(1, %(times)s) as times"
    with reader.held_snapshot() as snapshot:
        reader.snapshot = snapshot
        before = count(reader)
        system.execute("insert into ledger.invoice (org, store, number) values ('N', 'batch', '1')")
        sizes = [len(rows) for rows in reader.batches(numbers, {"times": 10_000})]
    assert sizes == [10_000] * before
    with pytest.raises(QueryError):
        list(reader.batches("select 1 / (number::int - number::int) from ledger.invoice"))


def test_a_snapshot_that_is_gone_is_an_error(reader: Database) -> None:
    with reader.held_snapshot() as snapshot:
        pass
    reader.snapshot = snapshot
    with pytest.raises(SnapshotLost, match="the run's snapshot is gone"):
        count(reader)


def test_a_snapshot_that_is_too_old_is_let_go(system: ledger.Ledger) -> None:
    database = Database.open(Settings.model_construct(url_env="LEDGER_URL", snapshot_age=1, statement_timeout=60))
    with database.held_snapshot() as snapshot:
        database.snapshot = snapshot
        count(database)
        deadline = time.monotonic() + 30
        with pytest.raises(SnapshotLost, match=r"older than database\.snapshot_age \(1 s\)"):
            while time.monotonic() < deadline:
                count(database)
                time.sleep(0.1)
    database.close()


def test_a_query_holds_no_lock_afterwards(reader: Database, system: ledger.Ledger) -> None:
    with reader.held_snapshot() as snapshot:
        reader.snapshot = snapshot
        count(reader)
        system.execute("set lock_timeout = '200ms'; alter table ledger.invoice add column more text")


# No writes --------------------------------------------------------------------------------------------------------

WRITES = [
    "insert into ledger.invoice (org, store, number) values ('N', 'x', 'y') returning 1",
    "with gone as (delete from ledger.invoice_line returning 1) select count(*) from gone",
    "update ledger.invoice set paid = true returning 1",
    "truncate ledger.invoice cascade",
    "create table ledger.mine (n integer)",
    "select nextval('ledger.invoice_id_seq')",
    "select 1; commit; insert into ledger.invoice (org, store, number) values ('N', 'x', 'y')",
    "commit; begin read write; delete from ledger.invoice_line; commit",
    "set transaction read write",
    "select lo_create(0)",
    "do $$ begin delete from ledger.invoice_line; end $$",
    "copy ledger.invoice to program 'true'",
    "select set_config('transaction_read_only', 'off', false)",
]


def fingerprint(system: ledger.Ledger) -> tuple[object, ...]:
    with system.owner() as connection:
        row = connection.execute(
            "select (select count(*) from ledger.invoice), (select count(*) from ledger.invoice_line),"
            " (select count(*) filter (where paid) from ledger.invoice),"
            " (select count(*) from pg_largeobject_metadata),"
            " (select last_value from ledger.invoice_id_seq), (select count(*) from pg_class)"
        ).fetchone()
        assert row is not None
        return tuple(row)


@pytest.mark.parametrize("statement", WRITES)
def test_the_transaction_alone_keeps_an_owner_from_writing(
    owner: Database, system: ledger.Ledger, statement: str
) -> None:
    before = fingerprint(system)
    # Up to PostgreSQL 15 a read-only transaction lets a large object be made; it goes with the rollback.
    with contextlib.nullcontext() if "lo_create" in statement else pytest.raises(QueryError):
        owner.query(statement)
    assert fingerprint(system) == before


@pytest.mark.parametrize("statement", WRITES)
def test_the_role_alone_keeps_from_writing(system: ledger.Ledger, statement: str) -> None:
    before = fingerprint(system)
    with psycopg.connect(system.environment["LEDGER_URL"], autocommit=True) as connection:
        # What a reader can make is a large object of its own, which PostgreSQL up to 15 lets everybody do; the
        # sequence's value and settings of its own session are no data either.
        harmless = ("lo_create", "set_config", "set transaction")
        if not any(word in statement for word in harmless):
            with pytest.raises(psycopg.Error):
                connection.execute(statement)  # type: ignore[call-overload]
    assert fingerprint(system) == before


# Limits -----------------------------------------------------------------------------------------------------------


def test_a_slow_query_is_stopped_at_its_limit(system: ledger.Ledger) -> None:
    database = Database.open(Settings(url_env="LEDGER_URL", statement_timeout=0.2))
    with pytest.raises(TimeLimit):
        database.query("select pg_sleep(30)")
    database.close()


def test_a_server_that_stalls_does_not_hang_the_audit(system: ledger.Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    from dsaudit.database import transaction as module

    monkeypatch.setattr(module, "PATIENCE", 0.5)
    database = Database.open(Settings(url_env="LEDGER_URL", statement_timeout=0.5))
    started = time.monotonic()
    with pytest.raises(sa.exc.OperationalError), database.transaction() as one:
        pid = int(one.run("select pg_backend_pid()").scalar_one())
        os.kill(pid, signal.SIGSTOP)
        try:
            one.run("select 1")
        finally:
            os.kill(pid, signal.SIGCONT)
    # Without the watchdog this would never return; the bound only tells the two apart.
    assert time.monotonic() - started < 30
    database.close()


def test_a_locked_table_is_inconclusive_soon(reader: Database, system: ledger.Ledger) -> None:
    with system.owner() as holder:
        holder.execute("lock table ledger.invoice in access exclusive mode")
        with pytest.raises(TimeLimit):
            count(reader)


# Who and where ----------------------------------------------------------------------------------------------------


def test_a_reader_may_write_nothing(reader: Database) -> None:
    assert identify(reader).may_write == ()


def test_a_role_that_may_write_is_told_and_refused_in_production(owner: Database, system: ledger.Ledger) -> None:
    identity = identify(owner)
    assert "it is a superuser" in identity.may_write
    guard(load(system.parameters), identity)
    with pytest.raises(DatabaseError, match=r"could write in production .* `dsaudit role` prints"):
        guard(load(system.parameters, {"environment": "production"}), identity)


@pytest.mark.parametrize(
    "grant",
    [
        "grant insert on ledger.invoice to public",
        "grant update (paid) on ledger.invoice to public",
        "grant truncate on ledger.invoice to public",
        "grant create on schema ledger to public",
    ],
)
def test_each_way_to_write_is_seen(reader: Database, system: ledger.Ledger, grant: str) -> None:
    system.execute(grant)
    assert identify(reader).may_write


def test_another_server_than_the_pinned_one_is_refused(reader: Database, system: ledger.Ledger) -> None:
    identity = identify(reader)
    guard(load(system.parameters, {"database.identity": identity.pin}), identity)
    with pytest.raises(DatabaseError, match="but the parameter file pins 1/other"):
        guard(load(system.parameters, {"database.identity": "1/other"}), identity)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("", "the environment variable LEDGER_URL is not set"),
        ("not a url", "LEDGER_URL is no URL such as"),
        ("mysql://u:hunter2@h/d", "LEDGER_URL: mysql is not PostgreSQL"),
        ("postgresql://u:hunter2@127.0.0.1:1/d", "LEDGER_URL: connection to server"),
    ],
)
def test_no_connection_is_one_line_without_the_password(
    monkeypatch: pytest.MonkeyPatch, value: str, message: str
) -> None:
    monkeypatch.setenv("LEDGER_URL", value)
    with pytest.raises(DatabaseError) as caught:
        Database.open(Settings(url_env="LEDGER_URL"))
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value) and "hunter2" not in str(caught.value)


def test_a_wrong_password_is_one_line(system: ledger.Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    url = system.environment["LEDGER_URL"]
    monkeypatch.setenv("LEDGER_URL", url.replace(url.split(":")[2].split("@")[0], "hunter2"))
    with pytest.raises(DatabaseError, match="password authentication failed") as caught:
        Database.open(Settings(url_env="LEDGER_URL"))
    assert "\n" not in str(caught.value) and "hunter2" not in str(caught.value)


def test_an_error_message_does_not_quote_the_data(reader: Database) -> None:
    with pytest.raises(QueryError) as caught:
        reader.query('select (code || "Full Name")::uuid from ledger."Member"')
    assert "Ångström" not in str(caught.value)
