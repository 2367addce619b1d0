"""Polite reads rest, wait while the server is busy, let go of what is waited for, and say so; and never too long."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import psycopg
import pytest

from dsaudit.database import Database, QueryError
from dsaudit.database.errors import Locked, ServerBusy
from dsaudit.database.politeness import NO_REST, RESTING, TRIES, WAITED_FOR, Load, Politeness, load_of, pauses
from dsaudit.parameters import load
from dsaudit.parameters.database import Database as Settings
from dsaudit.parameters.database import Polite
from tests import ledger
from tests.test_database import system as system  # the ledger, and both of its roles

BUSY = "more than 2 other sessions at work"
BEHIND = "a replica more than 10 s behind"


class Server:
    """How busy a server is from one look to the next; whoever waits for it lets its time go on."""

    def __init__(self, *looks: tuple[int, float]) -> None:
        self.looks = list(looks)
        self.now = 1000.0
        self.slept: list[float] = []

    def look(self) -> Load:
        active, lag = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        return Load(self.now, active, lag)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def waiting(server: Server, folder: Path, took: float = 0, age: float = 100) -> Politeness:
    """Return what waits for a server after a read that took so long."""
    one = Politeness(Polite(active=2, rest=4), age, None, folder, server.sleep)
    one._took, one._ended = took, time.monotonic()
    return one


# When it waits --------------------------------------------------------------------------------------------------------


def test_a_read_is_followed_by_a_rest_of_several_times_its_length(tmp_path: Path) -> None:
    server = Server((1, 0))
    waiting(server, tmp_path, took=5).wait(server.look)
    assert sum(server.slept) == pytest.approx(20, abs=1)
    assert pauses(tmp_path) == {RESTING: pytest.approx(20, abs=1)}


def test_a_first_read_is_not_rested_for(tmp_path: Path) -> None:
    server = Server((2, 10))
    Politeness(Polite(active=2), 100, None, tmp_path, server.sleep).wait(server.look)
    assert server.slept == [] and pauses(tmp_path) == {}


def test_a_busy_server_is_waited_for(tmp_path: Path) -> None:
    server = Server((3, 0), (9, 0), (2, 0))
    waiting(server, tmp_path).wait(server.look)
    assert pauses(tmp_path) == {BUSY: 2}


def test_a_replica_that_is_behind_is_waited_for(tmp_path: Path) -> None:
    server = Server((0, 11), (0, 10.5), (0, 9))
    waiting(server, tmp_path).wait(server.look)
    assert pauses(tmp_path) == {BEHIND: 2}


def test_what_is_busy_for_too_long_is_not_read(tmp_path: Path) -> None:
    server = Server((3, 0))
    with pytest.raises(ServerBusy, match=rf"{BUSY}\) when half of database\.snapshot_age \(100 s\) was over; "):
        waiting(server, tmp_path).wait(server.look)
    assert pauses(tmp_path) == {BUSY: 50}


def test_when_no_time_to_rest_is_left_it_goes_on_and_says_so(tmp_path: Path) -> None:
    server = Server((1, 0))
    one = waiting(server, tmp_path, took=30)
    one.wait(server.look)
    assert pauses(tmp_path) == {RESTING: 50, NO_REST: 0}
    server.looks = [(3, 0)]
    with pytest.raises(ServerBusy):
        one.wait(server.look)


def test_a_new_snapshot_gives_new_time_to_wait(tmp_path: Path) -> None:
    server = Server((1, 0))
    one = waiting(server, tmp_path, took=30)
    one.wait(server.look)
    one.renewed()
    one.wait(server.look)
    assert pauses(tmp_path)[RESTING] == pytest.approx(100, abs=1)


# What is asked of a real server ---------------------------------------------------------------------------------------


def polite(system: ledger.Ledger, folder: Path, url_env: str = "LEDGER_URL", **limits: float) -> Database:
    settings = Settings(url_env=url_env, polite=Polite(**limits))
    return Database.open(settings, name="dsaudit/test", folder=folder)


@contextlib.contextmanager
def at_work(system: ledger.Ledger) -> Iterator[None]:
    """Let a session of somebody else be at work for as long as the block."""

    def work() -> None:
        with contextlib.suppress(psycopg.errors.QueryCanceled):
            other.execute("select pg_sleep(60)")

    with system.owner() as other:
        working = threading.Thread(target=work)
        working.start()
        try:
            yield
        finally:
            other.cancel()
            working.join()


@pytest.mark.parametrize("url_env", ["LEDGER_URL", "LEDGER_OWNER"], ids=["that sees its own sessions", "that sees all"])
def test_every_role_sees_that_others_are_at_work(system: ledger.Ledger, tmp_path: Path, url_env: str) -> None:
    with contextlib.closing(polite(system, tmp_path, url_env)) as database, database.held_snapshot():
        before = load_of(database._engine).active
        with at_work(system):
            for _ in range(100):
                if load_of(database._engine).active > before:
                    break
                time.sleep(0.05)  # it may not have begun
            else:
                pytest.fail("nobody is seen at work")
        assert load_of(database._engine).lag == 0


def test_a_read_is_at_the_run_s_instant_and_alone_in_its_transaction(system: ledger.Ledger, tmp_path: Path) -> None:
    asked = ["select pg_current_xact_id_if_assigned()", "select current_setting('effective_io_concurrency')"]
    transaction = "select count(*) from pg_locks where locktype = 'relation' and relation = 'ledger.invoice'::regclass"
    with contextlib.closing(polite(system, tmp_path)) as database, database.held_snapshot() as database.snapshot:
        system.execute("insert into ledger.invoice (org, store, number) values ('N', 'new', '1')")
        rows = [one.rows for one in database.queries(["select count(*) from ledger.invoice", transaction, *asked])]
        assert rows[1:] == [[(0,)], [(None,)], [("0",)]]
        database.snapshot = None
        assert database.query("select count(*) from ledger.invoice").rows == [(rows[0][0][0] + 1,)]


# Whoever waits for a table is given way -------------------------------------------------------------------------------

LONG = "select count(pg_sleep(0.2)) from ledger.invoice, generate_series(1, 300)"


HOLDING = """
select from pg_locks as l join pg_stat_activity as a on a.pid = l.pid
where l.relation = 'ledger.invoice'::regclass and l.granted and a.application_name = 'dsaudit/test'
"""


def altering(system: ledger.Ledger) -> threading.Thread:
    """Alter the table as soon as it is read, waiting for its lock as long as it takes."""

    def alter() -> None:
        with system.owner() as owner:
            while not owner.execute(HOLDING).fetchall():
                owner.rollback()
            owner.execute("alter table ledger.invoice add column more text")

    thread = threading.Thread(target=alter)
    thread.start()
    return thread


def test_a_read_lets_go_of_a_table_that_somebody_waits_for(system: ledger.Ledger, tmp_path: Path) -> None:
    with contextlib.closing(polite(system, tmp_path)) as database, database.held_snapshot() as database.snapshot:
        thread = altering(system)
        with pytest.raises(Locked, match="somebody waited for a table"), database.transaction() as one:
            one.run(LONG)
        thread.join(30)
        assert not thread.is_alive()


def test_a_stream_lets_go_as_well(system: ledger.Ledger, tmp_path: Path) -> None:
    with contextlib.closing(polite(system, tmp_path)) as database, database.held_snapshot() as database.snapshot:
        thread = altering(system)
        with pytest.raises(Locked, match="somebody waited"), database.stream(LONG) as stream:
            duckdb.from_arrow(stream).fetchall()
        thread.join(30)


def test_what_was_locked_is_read_when_it_is_free(system: ledger.Ledger, tmp_path: Path) -> None:
    with contextlib.closing(polite(system, tmp_path, rest=0)) as database, system.owner() as holder:
        holder.execute("lock table ledger.invoice in access exclusive mode")
        assert database._politeness
        database._politeness.sleep = lambda seconds: holder.rollback()
        with database.held_snapshot() as database.snapshot:
            assert database.query("select count(*) from ledger.invoice").rows[0][0] > 0
    assert pauses(tmp_path) == {WAITED_FOR: 1}


def test_what_stays_locked_is_given_up(system: ledger.Ledger, tmp_path: Path) -> None:
    with contextlib.closing(polite(system, tmp_path, rest=0)) as database, system.owner() as holder:
        holder.execute("lock table ledger.invoice in access exclusive mode")
        assert database._politeness
        database._politeness.sleep = lambda seconds: None
        with database.held_snapshot() as database.snapshot, pytest.raises(Locked, match="lock timeout"):
            database.query("select count(*) from ledger.invoice")
    assert pauses(tmp_path) == {WAITED_FOR: TRIES - 1}


def test_a_time_limit_is_no_lock(system: ledger.Ledger) -> None:
    settings = Settings(url_env="LEDGER_URL", statement_timeout=0.5, polite=Polite())
    with contextlib.ExitStack() as stack:
        database = stack.enter_context(contextlib.closing(Database.open(settings)))
        database.snapshot = stack.enter_context(database.held_snapshot())
        stack.enter_context(pytest.raises(QueryError, match="statement timeout"))
        database.query(LONG)


# The parameter file ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "given", "expected"),
    [
        ("staging", "", None),
        ("production", "", Polite()),
        ("staging", ", polite: true", Polite()),
        ("production", ", polite: false", None),
        ("production", ", polite: {rest: 9, active: 3}", Polite(rest=9, active=3)),
    ],
)
def test_it_is_polite_in_production_unless_the_file_says(
    system: ledger.Ledger, environment: str, given: str, expected: Polite | None
) -> None:
    system.edit("parameters/ledger.yml", "{url_env: LEDGER_URL}", f"{{url_env: LEDGER_URL{given}}}")
    assert load(system.parameters, {"environment": environment}).database.polite == expected
