"""Providers and subscribers for the tests of this folder."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.storefront.source.provider import Receiver, Source, started


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.received.append((headers, self.rfile.read(int(headers["content-length"]))))
            self.send_response(receiver.answer(headers))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *parts: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        receiver.address = f"http://127.0.0.1:{server.server_port}/hooks"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield receiver
        server.shutdown()


@pytest.fixture(scope="session")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Source]:
    """A source that no test changes."""
    with started(tmp_path_factory.mktemp("still") / "source.sqlite") as source:
        yield source


@pytest.fixture
def source(still: Source, tmp_path: Path) -> Iterator[Source]:
    """A source of the test's own."""
    data = tmp_path / "source.sqlite"
    still.control("copy", {"path": str(data)})
    with started(data) as source:
        yield source
