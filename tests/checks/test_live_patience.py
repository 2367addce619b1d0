"""A provider that has us wait longer than a cell may take: what is done then, and what is kept for the deletion."""

from __future__ import annotations

import importlib
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from dsaudit.handoff import LEFT
from dsaudit.run.execute import CELL_SECONDS
from dsaudit.verdict import Status
from tests.checks.auditing import opened, told
from tests.checks.test_live_probe import AGAIN, CHECK, customers
from tests.checks.test_live_probe import shop as shop

pytestmark = pytest.mark.xdist_group("live_probe")
module = importlib.import_module("dsaudit.live.probe")  # a function of the package has the same name


@pytest.fixture
def busy(shop: Any) -> Iterator[Any]:
    """The sample's provider behind a gate that answers some methods with 429, to be asked again in an hour."""

    class Gate(BaseHTTPRequestHandler):
        refused: set[str] = set()  # noqa: RUF012

        def _pass(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.command in self.refused:
                self.send_response(429)
                self.send_header("Retry-After", "3600")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
            answer = httpx.request(self.command, shop.source_url + self.path, headers=headers, content=body)
            self.send_response(answer.status_code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_POST = do_PUT = do_DELETE = _pass

        def log_message(self, *given: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Gate)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield Gate, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_the_time_of_all_fits_into_the_cell() -> None:
    longest_watch = 120
    assert module.LONGEST + longest_watch + module.FOR_DELETION + 60 <= CELL_SECONDS


@pytest.mark.parametrize(
    ("refused", "words"),
    [
        ({"PUT"}, "PUT admin/api/2026-07/customers/{id}.json: answers 429, and no time is left to try again"),
        ({"PUT", "DELETE"}, "DELETE admin/api/2026-07/customers/{id}.json: answers 429, and no time is left to try"),
    ],
)
def test_what_is_to_wait_for_an_hour_is_given_up_in_time(
    refused: set[str], words: str, shop: Any, busy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, address = busy
    gate.refused = refused
    monkeypatch.setattr(module, "LONGEST", 3.0)
    monkeypatch.setattr(module, "FOR_DELETION", 3.0)
    before = customers(shop)
    environment = {**shop.environment, "STOREFRONT_API": address}
    with opened(shop.parameters, environment, live=True) as one:
        clock = time.monotonic()
        verdict, again = one.check(CHECK), one.check(AGAIN)
        took = time.monotonic() - clock
        is_left = (one.private / LEFT).exists()
    assert verdict.status is again.status is Status.INCONCLUSIVE, told(verdict)
    assert words in told(verdict)
    assert took < 20 and is_left is ("DELETE" in refused)
    assert customers(shop) == before + is_left
    if is_left:
        assert "to be deleted by hand: customer " in told(verdict)
        number = next(
            word for word in told(verdict).replace(":", " ").split("customer ")[-1].split() if word.isdecimal()
        )
        shop.record("acme.myshopify.example", "customers", "delete", int(number))
        shop.settle()
