"""A receiver of webhooks on this machine that verifies Stripe's signatures, rightly or as a test wants it."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECRET = "whsec_of_the_ledger"


@dataclass
class Receiver:
    """Where it listens, what came, and how it misbehaves."""

    url: str = ""
    looks_at_time: bool = True
    forged: int = 401  # the status by which it refuses
    genuine: int = 200
    parses_first: bool = False  # and signs what it writes anew, as a framework may have it
    stores: Callable[[dict[str, Any], bool], None] = lambda event, is_right: None  # before it answers
    came: list[tuple[dict[str, str], dict[str, Any], int]] = field(default_factory=list)

    def answer(self, headers: dict[str, str], body: bytes) -> int:
        """Take a delivery, and return the status of the answer."""
        event = json.loads(body)
        is_right = self._is_right(headers.get("stripe-signature", ""), body)
        self.stores(event, is_right)
        status = self.genuine if is_right else self.forged
        self.came.append((headers, event, status))
        return status

    def _is_right(self, header: str, body: bytes) -> bool:
        parts = dict(one.split("=", 1) for one in header.split(",") if "=" in one)
        if "t" not in parts or "v1" not in parts:
            return False
        if self.parses_first:
            body = json.dumps(json.loads(body), separators=(",", ":")).encode()
        expected = hmac.new(SECRET.encode(), parts["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
        is_now = abs(time.time() - int(parts["t"])) <= 300 or not self.looks_at_time
        return hmac.compare_digest(expected, parts["v1"]) and is_now


@contextlib.contextmanager
def receiving(receiver: Receiver) -> Iterator[Receiver]:
    """Listen for as long as the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(receiver.answer({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_header("Location", receiver.url + "/elsewhere")
            self.send_header("Content-Length", "9")
            self.end_headers()
            self.wfile.write(b"anne@x.yz")

        def log_message(self, *given: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_port}/hooks"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
