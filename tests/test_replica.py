"""A replica is audited like its primary: one instant, changed tables noticed, and its lag seen."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from dsaudit import server
from dsaudit.attached import attached, free_port, stop, tied
from dsaudit.database import Database, SnapshotLost
from dsaudit.database.identity import identify
from dsaudit.database.politeness import load_of
from dsaudit.parameters.database import Database as Settings
from dsaudit.parameters.database import Polite
from tests import ledger
from tests.run.conftest import project_of

# What is committed is written at once: until then nothing tells how far the replica has to come.
PRIMARY = {"wal_level": "replica", "max_wal_senders": "4", "synchronous_commit": "local"}
STANDBY = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "max_standby_streaming_delay": "0"}
pytestmark = pytest.mark.xdist_group("replica")  # they share one
Pair = tuple[psycopg.Connection[Any], psycopg.Connection[Any]]


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[str, str]]:
    """Addresses of a primary and of its replica, which lets nobody hold up what it has to repeat."""
    with server.running(settings=PRIMARY) as primary:
        if not primary.binaries:
            pytest.skip("the server was given, and has no replica of ours")
        folder = Path(tempfile.mkdtemp(prefix="dsaudit-replica-"))
        (folder / "password").touch()
        drop, binaries = server._without_root(primary.binaries, folder)
        copying = [str(binaries / "pg_basebackup"), "-d", primary.url, "-D", "data", "-R", "-c", "fast"]
        subprocess.run([*drop, *copying], cwd=folder, check=True, capture_output=True)
        port = free_port()
        words = [*drop, *tied("INT"), str(binaries / "postgres"), "-D", "data", "-p", str(port)]
        words += [word for name, value in STANDBY.items() for word in ("-c", f"{name}={value}")]
        keeper = attached(words, folder / "log", folder=folder, signals="TERM INT")
        replica = primary.url.replace(f":{primary.port}/", f":{port}/")
        try:
            until(lambda: connects(replica))
            yield primary.url, replica
        finally:
            stop(keeper)
            shutil.rmtree(folder)


def connects(url: str) -> bool:
    with contextlib.suppress(psycopg.OperationalError), psycopg.connect(url):
        return True
    return False


def until(holds: Callable[[], bool]) -> None:
    for _ in range(600):
        if holds():
            return
        time.sleep(0.05)
    pytest.fail("the replica did not come to it within 30 s")


@pytest.fixture
def both(pair: tuple[str, str]) -> Iterator[Pair]:
    with psycopg.connect(pair[0], autocommit=True) as primary, psycopg.connect(pair[1], autocommit=True) as replica:
        primary.execute("drop table if exists plain, spare")
        primary.execute("create table plain as select g as n from generate_series(1, 9) as g")
        primary.execute("create table spare (n integer)")
        followed(primary, replica)
        yield primary, replica


def followed(primary: psycopg.Connection[Any], replica: psycopg.Connection[Any]) -> None:
    """Wait until the replica has repeated all that the primary did."""
    ((place,),) = primary.execute("select pg_current_wal_lsn()").fetchall()
    until(lambda: bool(replica.execute("select pg_last_wal_replay_lsn() >= %s::pg_lsn", [place]).fetchall()[0][0]))


@pytest.fixture
def reader(pair: tuple[str, str], both: Pair, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    monkeypatch.setenv("REPLICA_URL", pair[1])
    with contextlib.closing(Database.open(Settings(url_env="REPLICA_URL"))) as database:
        with database.held_snapshot() as database.snapshot:
            assert count(database) == 9
            yield database
        database.snapshot = None


def count(database: Database) -> int:
    return int(database.query("select count(*) from public.plain").rows[0][0])


def test_a_replica_shows_one_instant(reader: Database, both: Pair) -> None:
    assert identify(reader).replica
    both[0].execute("insert into plain values (10)")
    followed(*both)
    assert count(reader) == 9


def test_a_table_that_took_another_s_place_is_noticed_on_a_replica(reader: Database, both: Pair) -> None:
    both[0].execute(
        "begin; alter table plain rename to gone; alter table spare rename to plain; drop table gone; commit"
    )
    followed(*both)
    with pytest.raises(SnapshotLost):
        count(reader)


def test_what_a_replica_cannot_show_any_longer_is_told_as_a_lost_instant(reader: Database, both: Pair) -> None:
    both[0].execute("delete from plain")
    both[0].execute("vacuum plain")
    followed(*both)
    with pytest.raises(SnapshotLost, match="the run's snapshot is gone"):
        count(reader)


def test_a_replica_that_does_not_follow_is_behind(reader: Database, both: Pair) -> None:
    primary, replica = both
    assert load_of(reader._engine).lag == 0
    replica.execute("select pg_wal_replay_pause()")
    try:
        primary.execute("insert into plain values (10)")
        until(lambda: load_of(reader._engine).lag > 0.1)
    finally:
        replica.execute("select pg_wal_replay_resume()")


def test_a_run_on_a_replica_that_is_behind_is_not_green(
    pair: tuple[str, str], both: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    primary, replica = both
    with ledger.running(pair[0], tmp_path) as one:
        followed(primary, replica)
        at_replica = one.environment["LEDGER_URL"].replace(f":{port_of(pair[0])}/", f":{port_of(pair[1])}/")
        monkeypatch.setenv("LEDGER_URL", at_replica)
        monkeypatch.chdir(one.folder)
        project = project_of(one)
        assert project.run().result["decision"] == "GO"
        replica.execute("select pg_wal_replay_pause()")
        try:
            primary.execute("insert into plain values (11)")
            with contextlib.closing(Database.open(Settings(url_env="LEDGER_URL"))) as database:
                until(lambda: identify(database).behind > Polite.model_validate({}).lag)
            result = project.run().result
        finally:
            replica.execute("select pg_wal_replay_resume()")
        followed(primary, replica)
    assert result["decision"] == "INCONCLUSIVE"
    assert any("s behind its primary when the run began" in problem for problem in result["problems"])


def port_of(url: str) -> int:
    port = urlsplit(url).port
    assert port
    return port
