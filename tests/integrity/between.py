"""Stands between an audit and an API, and changes what is answered; or is an API itself."""

from __future__ import annotations

import contextlib
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Answer:
    """What is answered, to a request of this path with its query."""

    path: str
    status: int
    body: bytes
    kind: str = "application/json"


@contextlib.contextmanager
def serving(answer: Callable[[str, dict[str, str]], Answer]) -> Iterator[str]:
    """Serve on loopback what a function answers to a path and its headers; the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            given = answer(self.path, dict(self.headers.items()))
            with contextlib.suppress(ConnectionError):  # who asked may not have waited
                self.send_response(given.status)
                self.send_header("Content-Type", given.kind)
                self.send_header("Content-Length", str(len(given.body)))
                self.end_headers()
                self.wfile.write(given.body)

        def log_message(self, *parts: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def unchanged(headers: dict[str, str]) -> dict[str, str]:
    return headers


@contextlib.contextmanager
def between(
    api: str, change: Callable[[Answer], Answer], asked: Callable[[dict[str, str]], dict[str, str]] = unchanged
) -> Iterator[str]:
    """Hand requests on to an API, with their headers as `asked` makes them, and change its answers; the address."""

    def answer(path: str, headers: dict[str, str]) -> Answer:
        passed = {name.lower(): value for name, value in headers.items()}
        passed = asked({name: value for name, value in passed.items() if name not in ("host", "connection")})
        request = urllib.request.Request(api + path, headers={**passed, "Accept-Encoding": "identity"})
        try:
            with _opener.open(request, timeout=30) as heard:
                return change(Answer(path, heard.status, heard.read()))
        except urllib.error.HTTPError as error:
            with error:
                return change(Answer(path, error.code, error.read()))

    with serving(answer) as address:
        yield address
