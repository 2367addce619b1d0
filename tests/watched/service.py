"""A small import service: it really serves HTTP, records with prometheus_client, and exposes what it recorded."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

LABELS = ["marketplace", "quality"]
SECONDS = (0.1, 1, 10, 60)


@dataclass
class Service:
    """A running one; `faults` are words that make it record wrongly, `text` replaces what it exposes."""

    url: str
    faults: set[str] = field(default_factory=set)
    text: Callable[[], bytes] | None = None

    def do(self, flow: str) -> str | None:
        """Do a flow, and return why it could not be done."""
        answer = httpx.post(f"{self.url}/{flow}", trust_env=False)
        return None if answer.is_success else f"answered with {answer.status_code}"


def recording(registry: CollectorRegistry, pending: Callable[[], float]) -> Callable[[str, set[str]], None]:
    """Declare the metrics, and return what records one flow."""
    attempts = Counter("import_attempts_total", "Imports that were begun", LABELS, registry=registry)
    results = Counter("import_results_total", "Imports that ended", ["result", "quality"], registry=registry)
    duration = Histogram("import_duration_seconds", "How long it took", LABELS, buckets=SECONDS, registry=registry)
    Gauge("imports_in_progress", "Imports under way", registry=registry)
    Gauge("partial_imports_pending", "Partial imports", registry=registry).set_function(pending)
    completions = Counter("partial_import_completions_total", "Completed", registry=registry)
    # A series that begins at its first failure has no rate then.
    for result in ("success", "failed"):
        results.labels(result, "full")

    def record(flow: str, faults: set[str]) -> None:
        if "it does not move" in faults:
            return
        if "it falls" in faults:
            attempts.clear()
        if flow == "complete":
            completions.inc()
            if "a completion is an import" in faults:
                results.labels("success", "full").inc()
            return
        attempts.labels("other", "full").inc()
        duration.labels("other", "full").observe(0.2)
        results.labels("failed" if flow == "failing" else "success", "full").inc(1 + ("it counts twice" in faults))

    return record


@contextlib.contextmanager
def serving(pending: Callable[[], float]) -> Iterator[Service]:
    """Serve it on a free port of this machine."""
    registry = CollectorRegistry()
    record = recording(registry, pending)
    service = Service("")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(200, service.text() if service.text else generate_latest(registry))

        def do_POST(self) -> None:
            refused = "it is refused" in service.faults
            if not refused:
                record(self.path.strip("/"), service.faults)
            self._answer(503 if refused else 200, b"{}")

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    service.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
