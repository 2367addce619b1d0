"""What a run depends on goes away while it runs: it ends within a bound, says why in words, and is never green."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import psycopg
import pytest

from dsaudit import server
from dsaudit.database import Database, DatabaseError, reader
from dsaudit.parameters import load
from dsaudit.parameters.source import Source
from dsaudit.source import SourceError, pacing, rest
from dsaudit.source.paging import Request
from tests import ledger
from tests.run.conftest import Project

ONCE = "audit.check('one_refined_row_per_source_id')"
ORPHANS = "audit.check('orphans')"


def ends_inconclusive(project: Project, words: str) -> dict[str, Any]:
    """Run, and see that the check after the outage knows nothing and says so, and that the one before it stands."""
    result = project.run().result
    told = {verdict["check"]: verdict for verdict in result["verdicts"]}
    assert (result["decision"], result["exit"]) == ("INCONCLUSIVE", 2)
    assert told["one_refined_row_per_source_id"]["status"] == "pass"
    assert told["orphans"]["status"] == "inconclusive"
    reasons = {one["reason"] for one in told["orphans"]["results"]}
    assert all(words in reason and "\n" not in reason for reason in reasons), reasons
    return result


def sending(project: Project, number: int, which: str) -> str:
    """Return the code of a cell that sends a signal to processes of PostgreSQL that `which` chooses."""
    address = project.root / "owner"  # in the cell it would be masked, as a secret
    address.write_text(project.ledger.owner_url, encoding="utf-8")
    return f"""import os, pathlib, psycopg, time
with psycopg.connect(pathlib.Path({str(address)!r}).read_text()) as owner:
    found = owner.execute('select pid from pg_stat_activity where ' + {which!r}).fetchall()
assert found
for (pid,) in found: os.kill(pid, {number})
time.sleep(1)"""


OURS = "datname = current_database() and application_name like 'dsaudit/%'"


@pytest.mark.parametrize("is_whole", [False, True], ids=["its backends", "the server"])
def test_what_stalls_is_given_up_after_the_statements_limit(project: Project, is_whole: bool) -> None:
    path = project.ledger.parameters
    path.write_text(path.read_text(encoding="utf-8").replace("url_env:", "statement_timeout: 2, url_env:", 1))
    assert load(path).database.statement_timeout == 2
    with psycopg.connect(project.ledger.owner_url) as owner:
        parent = psutil.Process(psutil.Process(owner.info.backend_pid).ppid())
    stall = sending(project, signal.SIGSTOP, OURS)
    stall += f"\nos.kill({parent.pid}, {int(signal.SIGSTOP)})" if is_whole else ""
    project.notebook("04_once", [ONCE, stall, ORPHANS])
    began = time.monotonic()
    try:
        if is_whole:
            ends_inconclusive(project, "")
        else:  # it is asked once more by another backend, at the same instant, which its stalled holder still holds
            result = project.run().result
            assert (result["decision"], result["instant"]["renewed"]) == ("GO", 0), result["reasons"]
        # Two seconds and five for a statement, ten for a connection, five to let the instant go; without a watchdog
        # it would end with the snapshot's age, after 300.
        assert time.monotonic() - began < 250
    finally:
        parent.send_signal(signal.SIGCONT)
        for one in parent.children():
            one.send_signal(signal.SIGCONT)


def test_a_server_that_crashes_and_recovers_has_lost_the_instant(project: Project) -> None:
    one = f"{OURS} and pid <> pg_backend_pid() limit 1"
    project.notebook("04_once", [ONCE, sending(project, signal.SIGKILL, one), ORPHANS])
    result = ends_inconclusive(project, "")
    assert result["instant"]["renewed"] == 0


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["fast", "immediate"])
def test_a_server_that_is_shut_down_while_a_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: signal.Signals
) -> None:
    gone = contextlib.suppress(psycopg.OperationalError)  # the ledger's database, when it is to be dropped
    with server.running() as own, gone, ledger.running(own.url, tmp_path / "ledger") as one:
        for name, value in one.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(one.folder)
        project = Project(one, one.folder)
        (one.folder / "notebooks" / "datasource").mkdir()
        (one.folder / "notebooks" / "datasource" / "blueprint.yml").write_text("criteria: []\nchecklist: []\n")
        shut = f"import os, time\nos.kill({postmaster(own)}, {int(how)}); time.sleep(2)"
        project.notebook("04_once", [ONCE, shut, ORPHANS])
        ends_inconclusive(project, "")


def postmaster(own: server.Server) -> int:
    """Return the process that a server's connections come from."""
    with psycopg.connect(own.url) as connection:
        return int(psutil.Process(connection.info.backend_pid).ppid())


def listening(serve: Callable[[socket.socket], None]) -> tuple[socket.socket, int]:
    """Serve each connection in a thread of its own; return the listening socket and its port."""
    own = socket.create_server(("127.0.0.1", 0))

    def served(client: socket.socket) -> None:
        with client:
            serve(client)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=served, args=(own.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return own, own.getsockname()[1]


def test_a_server_that_stalls_after_the_handshake_does_not_hang_the_start(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = urlsplit(os.environ["LEDGER_URL"])

    def until_ready(client: socket.socket) -> None:
        """Pass on what the server says until it is ready for the first query, and nothing after it."""
        with socket.create_connection((str(url.hostname), int(url.port or 0))) as there:
            threading.Thread(target=pump, args=(client, there), daemon=True).start()
            said = b""
            while not said.endswith(b"Z\x00\x00\x00\x05I"):
                part = there.recv(65536)
                said += part
                client.sendall(part)
            time.sleep(60)

    own, port = listening(until_ready)
    monkeypatch.setenv("LEDGER_URL", os.environ["LEDGER_URL"].replace(f":{url.port}/", f":{port}/"))
    monkeypatch.setattr(reader, "LONGEST_START", 3.0)
    began = time.monotonic()
    with own, pytest.raises(DatabaseError, match=r"^LEDGER_URL: the server takes the connection and does not answer$"):
        Database.open(load(project.ledger.parameters).database)
    assert time.monotonic() - began < 30


def pump(client: socket.socket, there: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while part := client.recv(65536):
            there.sendall(part)


def test_a_server_that_takes_the_connection_and_says_nothing_is_given_up(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, port = listening(lambda client: time.sleep(60))
    monkeypatch.setenv("LEDGER_URL", f"postgresql://nobody:nothing@127.0.0.1:{port}/ledger")
    began = time.monotonic()
    with own, pytest.raises(DatabaseError, match="LEDGER_URL: "):
        Database.open(load(project.ledger.parameters).database)
    assert time.monotonic() - began < 30  # ten of libpq's


OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def client_of(port: int) -> rest.Client:
    """Return a client of a source on this machine."""
    address = f"http://127.0.0.1:{port}"
    source = Source.model_validate({"kind": "rest", "base_url": address, "paging": "link"})
    return rest.Client(source, address, None)


@pytest.mark.parametrize("is_whole_before", [False, True], ids=["a new connection", "one that was used"])
@pytest.mark.parametrize(
    ("begins", "goes_on"),
    [
        (OK + b"Content-Length: 1000\r\n\r\n[", b" "),
        (OK + b"Connection: close\r\n\r\n[]", b" "),
        (OK + b"X-More: ", b"x"),
        (b"HTTP/1.1 200 ", b"O"),
        (b"HTTP/1.1 103 Early Hints\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    ],
    ids=["body", "body of no told length", "header", "status", "hints"],
)
def test_a_source_that_sends_a_byte_now_and_then_is_given_up(
    monkeypatch: pytest.MonkeyPatch, begins: bytes, goes_on: bytes, is_whole_before: bool
) -> None:
    monkeypatch.setattr(pacing, "LONGEST_ANSWER", 1.0)

    def drip(client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            client.recv(65536)
            if is_whole_before:
                client.sendall(OK + b"Content-Length: 2\r\n\r\n[]")
                client.recv(65536)
            client.sendall(begins)
            while True:
                time.sleep(0.2)
                client.sendall(goes_on)

    own, port = listening(drip)
    client = client_of(port)
    with own:
        if is_whole_before:
            assert client.ask(Request("orders.json")).body == []
        began = time.monotonic()
        with pytest.raises(SourceError, match=r"/orders.json: its answer had not ended after 1 s$"):
            client.ask(Request("orders.json"))
        assert time.monotonic() - began < 20
    client.close()


def answering(contents: list[bytes]) -> tuple[socket.socket, int]:
    """Answer each connection with the next content, and then reset it; the last goes on being used."""
    left = iter([*contents[:-1], *[contents[-1]] * 10])

    def serve(client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            client.recv(65536)
            client.sendall(next(left))
            time.sleep(0.1)  # what was sent has to be there before the reset, which throws away what is under way
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()

    return listening(serve)


@pytest.mark.parametrize(
    "half",
    [OK + b"Content-Length: 20\r\n\r\n[{", OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n", OK + b"\r\n[]"],
    ids=["of a told length", "in chunks", "of no told length"],
)
def test_a_source_that_resets_the_connection_in_the_middle_of_an_answer_is_asked_again(
    monkeypatch: pytest.MonkeyPatch, half: bytes
) -> None:
    """Half an answer is none, even where the half is JSON by itself."""
    monkeypatch.setattr(rest, "ATTEMPTS", 2)
    whole = OK + b'Content-Length: 10\r\n\r\n[{"a": 1}]'
    own, port = answering([half, whole])
    client = client_of(port)
    with own:
        assert client.ask(Request("orders.json")).body == [{"a": 1}]
    client.close()
    own, port = answering([half])
    client = client_of(port)
    with own, pytest.raises(SourceError, match=r"/orders.json: no answer \(\w+\) after 2 tries$"):
        client.ask(Request("orders.json"))
    client.close()
