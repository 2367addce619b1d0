"""`dsaudit monitor` as a watch: what it tells, offers and leaves, and what it does where the database is not there."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice, pairwise
from pathlib import Path

import psutil
import psycopg
import pytest
from click.testing import CliRunner

from dsaudit import server
from dsaudit.attached import tied
from dsaudit.cli import main
from dsaudit.cli.group import COULD_NOT_START
from dsaudit.monitoring.reading import readings
from dsaudit.parameters import load
from examples.control import poll
from tests.command_lines import alive
from tests.integrity.faults import DROP, OF_FLOWS, UNKNOWN
from tests.integrity.system import System, running
from tests.integrity.watching import COMMAND, SECONDS, once, parsed, watching

ORPHANS = f'integration_orphans{{relation="{OF_FLOWS}"}}'
LOSE = (DROP, f"update assets set discovery_flow_id = '{UNKNOWN}' where name = ''")
HEAL = f"update assets set discovery_flow_id = null where discovery_flow_id = '{UNKNOWN}'"
SLEEPS = 'invariants:\n  - {resource: master_flow, holds: "pg_sleep(30) is not null"}'


def look(system: System, *options: str) -> subprocess.CompletedProcess[str]:
    return once(system.parameters, system.environment, *options)


# Once


def test_a_look_is_silent_where_all_is_within(clean: System) -> None:
    done = look(clean)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_look_tells_what_is_beyond_and_what_is_unknown(new: Callable[..., System]) -> None:
    system = new()
    system.execute(*LOSE)
    done = look(system)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout == f"{ORPHANS}: 3 (beyond: at most 0)\n"
    system.execute(HEAL, "alter table data_imports rename total_records to total")
    done = look(system)
    assert done.returncode == 2 and "column p.total_records does not exist" in done.stdout
    assert done.stdout.startswith("integration_miscounted_parents: unknown: ") and done.stdout.count("\n") == 1


def test_where_a_policy_would_hide_rows_nothing_is_counted(new: Callable[..., System]) -> None:
    system = new()
    system.execute(f"alter role {system.auditor} nobypassrls")
    done = look(system)
    assert done.returncode == 2 and "integration_orphans: unknown: query would be affected by row-level" in done.stdout


def test_a_look_leaves_a_textfile_and_unknown_is_not_in_it(new: Callable[..., System], tmp_path: Path) -> None:
    system, file = new(), tmp_path / "out" / "dsaudit.prom"
    file.parent.mkdir()
    system.execute(*LOSE, "alter table data_imports rename total_records to total")
    assert look(system, "--textfile", str(file)).returncode == 1
    values = parsed(file.read_text(encoding="utf-8"))
    assert values["integration_orphans"][OF_FLOWS,] == 3 and values["integration_up"] == {(): 1}
    assert "integration_miscounted_parents" not in values and [*file.parent.iterdir()] == [file]


def test_a_database_that_is_not_there_at_the_start_is_an_error_and_told_to_prometheus(
    clean: System, tmp_path: Path
) -> None:
    environment = {"SMALL_DISCOVERY_URL": clean.environment["SMALL_DISCOVERY_URL"] + "_gone"}
    done = once(clean.parameters, environment, "--textfile", str(tmp_path / "own.prom"))
    assert done.returncode == COULD_NOT_START and done.stdout == ""
    assert done.stderr.startswith("SMALL_DISCOVERY_URL: ") and "does not exist" in done.stderr
    assert done.stderr.count("\n") == 1
    values = parsed((tmp_path / "own.prom").read_text(encoding="utf-8"))
    assert values.keys() == {"integration_up", "integration_read_timestamp_seconds"}
    assert values["integration_up"] == {(): 0}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), ": give one"),
        (("--to", "x", "--interval", "5"), "--to writes and does not watch"),
        (("--once", "--interval", "5"), "--once ends at once"),
        (("--once", "--force"), "--force is for the files of --to"),
        (("--interval", "0"), "not in the range"),
        (("--listen", "0.0.0.0:9108"), "an address of this machine alone is expected"),
        (("--listen", "9108"), "an address of this machine alone is expected"),
        (("--listen", "127.0.0.1:70000"), "an address of this machine alone is expected"),
        (("--once", "--textfile", "/nowhere/x.prom"), "--textfile /nowhere/x.prom: No such file or directory"),
    ],
)
def test_options_that_do_not_fit_are_told(
    options: tuple[str, ...], words: str, clean: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in clean.environment.items():
        monkeypatch.setenv(name, value)
    done = CliRunner().invoke(main, ["monitor", str(clean.parameters), *options])
    assert done.exit_code == COULD_NOT_START and words in done.output


# Again and again


def test_a_fault_is_told_served_and_written_and_so_is_its_healing(new: Callable[..., System], tmp_path: Path) -> None:
    system, file = new(), tmp_path / "dsaudit.prom"
    options = ("--interval", "1", "--listen", "127.0.0.1:0", "--textfile", str(file))
    with watching(system.parameters, system.environment, tmp_path / "to", *options) as watch:
        watch.tells("watching small-discovery, every 1 s until Ctrl-C", watch.errors)
        for _ in poll(SECONDS):
            if file.exists():
                break
        assert watch.scraped()["integration_orphans"][OF_FLOWS,] == 0
        system.execute(*LOSE)
        watch.tells(f"{ORPHANS}: 3 (beyond: at most 0)")
        assert watch.scraped()["integration_orphans"][OF_FLOWS,] == 3
        assert parsed(file.read_text(encoding="utf-8"))["integration_orphans"][OF_FLOWS,] == 3
        system.execute(HEAL)
        watch.tells(f"{ORPHANS}: 0 (within: at most 0)")
        assert watch.scraped()["integration_orphans"][OF_FLOWS,] == 0
        names = system.one("select count(*) from pg_stat_activity where application_name = 'dsaudit/monitor'")
        assert names in (0, 1)  # between two readings it holds no connection
        assert watch.end() == 0
        assert watch.told.count("\n") == 2 and watch.errors.read_text().endswith("ended\n")
        assert not file.exists()  # nobody takes it for new
        assert "Traceback" not in watch.errors.read_text()


def test_what_a_service_sends_ends_it_as_well(clean: System, tmp_path: Path) -> None:
    with watching(clean.parameters, clean.environment, tmp_path, "--listen", "127.0.0.1:0") as watch:
        for _ in poll(SECONDS):
            if "integration_rows" in watch.scraped():
                break
        taken = watch.url.removeprefix("http://").partition("/")[0]
        done = look(clean, "--listen", taken)
        assert done.returncode == COULD_NOT_START
        with watching(clean.parameters, clean.environment, tmp_path / "other", "--listen", taken) as other:
            assert other.process.wait(SECONDS) == COULD_NOT_START
            assert other.errors.read_text() == f"--listen {taken}: Address already in use\n"
        assert watch.end(signal.SIGTERM) == 0


def test_a_database_that_is_stopped_and_started_again_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DSAUDIT_POSTGRES_URL", raising=False)  # nobody's own server is stopped
    with server.running() as own, restarting(own) as (stop, start), running(own.url, tmp_path / "system") as system:
        options = ("--interval", "1", "--listen", "127.0.0.1:0")
        with watching(system.parameters, system.environment, tmp_path / "to", *options) as watch:
            for _ in poll(SECONDS):
                if "integration_rows" in watch.scraped():
                    break
            stop()
            watch.tells("the database is away: ")
            values = watch.scraped()
            assert values["integration_up"] == {(): 0} and "integration_orphans" not in values
            start()
            watch.tells("the database is back")
            values = watch.scraped()
            assert values["integration_up"] == {(): 1} and values["integration_orphans"][OF_FLOWS,] == 0
            assert watch.end() == 0 and watch.told.count("\n") == 2


@contextmanager
def restarting(own: server.Server) -> Iterator[tuple[Callable[[], None], Callable[[], None]]]:
    """Yield what shuts a server down, and what starts it again as it was, until the block ends."""
    with psycopg.connect(own.url) as connection:
        first = psutil.Process(psutil.Process(connection.info.backend_pid).ppid())
    user, nobody = first.uids().real, str(server.NOBODY)
    as_nobody = [
        *(["unshare", "-U", f"--map-user={nobody}", f"--map-group={nobody}"] if user == 0 else []),
        *(["setpriv", f"--reuid={nobody}", f"--regid={nobody}", "--clear-groups"] if user != os.geteuid() else []),
    ]
    words, folder, environment = [*as_nobody, *tied("INT"), *first.cmdline()], Path(first.cwd()).parent, first.environ()

    def stop() -> None:
        first.send_signal(signal.SIGINT)
        for _ in poll(SECONDS, 0.05):
            if not alive([first]):
                return
        raise AssertionError("the server did not stop")

    again: list[subprocess.Popen[bytes]] = []

    def start() -> None:
        out = subprocess.DEVNULL
        again.append(subprocess.Popen(words, cwd=folder, env=environment, stdout=out, stderr=out))
        for _ in poll(SECONDS, 0.05):
            with suppress(psycopg.OperationalError), psycopg.connect(own.url):
                return
        raise AssertionError("the server did not start again")

    try:
        yield stop, start
    finally:
        for process in again:
            process.send_signal(signal.SIGINT)
            process.wait(SECONDS)


def test_what_takes_longer_than_the_limit_is_unknown_and_never_nought(
    new: Callable[..., System], tmp_path: Path
) -> None:
    system = new()
    system.edit("database: {", "database: {statement_timeout: 1, ")
    system.edit("invariants:", SLEEPS)
    with watching(system.parameters, system.environment, tmp_path, "--interval", "1", "--listen", "127.0.0.1:0") as one:
        one.tells("integration_invariant_violations: unknown: canceling statement due to statement timeout")
        system.execute("alter table data_imports rename total_records to total")
        one.tells("integration_miscounted_parents: unknown: ")
        system.execute("alter table data_imports rename total to total_records")
        one.tells("integration_miscounted_parents: known again")
        values = one.scraped()
        assert "integration_invariant_violations" not in values and values["integration_orphans"][OF_FLOWS,] == 0
        assert one.end() == 0


def test_a_reading_that_takes_longer_than_the_interval_leaves_the_next_one_out(
    new: Callable[..., System], monkeypatch: pytest.MonkeyPatch
) -> None:
    system = new()
    system.edit("invariants:", SLEEPS.replace("30", "0.5"))  # for each of three rows
    for name, value in system.environment.items():
        monkeypatch.setenv(name, value)
    found = [*islice(readings(load(system.parameters), interval=1), 3)]
    for before, after in pairwise(found):
        assert before.seconds > 1.5 and (after.time - before.time).total_seconds() > 1.9


def test_in_a_terminal_a_table_is_drawn_and_ctrl_c_leaves_it(new: Callable[..., System]) -> None:
    system = new()
    system.execute(*LOSE)
    ours, theirs = pty.openpty()
    environment = {**os.environ, **system.environment, "COLUMNS": "150", "LINES": "60", "TERM": "xterm", "CI": ""}
    command = [*COMMAND, str(system.parameters), "--interval", "1"]
    process = subprocess.Popen(command, stdout=theirs, stderr=theirs, stdin=theirs, env=environment)
    os.close(theirs)
    shown = b""
    threading.Timer(SECONDS, process.kill).start()
    while shown.count(b"read at ") < 3:
        shown += os.read(ours, 65536)
    process.send_signal(signal.SIGINT)
    assert process.wait(SECONDS) == 0
    text = shown.decode()
    os.close(ours)
    for words in ("small-discovery, every 1 s until Ctrl-C", "metric", "beyond", "at most 0", "trend", "█", "rows"):
        assert words in text
    assert "Traceback" not in text
