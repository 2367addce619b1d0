"""What the tests of flows share: flows done on the discovery sample, and a small API that answers as it is told."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from dsaudit.audit import Audit
from dsaudit.flows import flows_done_before
from dsaudit.handoff import LEFT
from dsaudit.verdict import Status
from examples.discovery.sample import Sample
from tests.checks.auditing import Verdicts, all_rows, opened, told

ENDED, QUICK, SCHEMA, REFUSED, NOTHING = CHECKS = (
    *("flows_end_as_declared", "flows_are_quick", "answers_have_their_schema"),
    *("errors_are_refused_readably", "flows_leave_nothing"),
)
FLOWS = (Path(__file__).parent / "flows.yml").read_text(encoding="utf-8")
CORES = {"FLOWS_TEST_CORES": "4"}
Rows = list[dict[str, Any]]


@dataclass
class Done:
    """What became of all flows: verdicts, whole rows, what was seen, and the note of what is left."""

    verdicts: Verdicts
    rows: dict[str, Rows]
    seen: dict[str, dict[str, Any]]
    left: str | None

    def status(self, name: str) -> Status:
        """Return how a check ended."""
        return self.verdicts[name].status

    def reasons(self, name: str) -> set[str | None]:
        """Return the reasons that a check gives."""
        return {result.reason for result in self.verdicts[name].results}

    @property
    def unlike_pass(self) -> list[str]:
        """Return the verdicts, in words, that are neither passed nor skipped."""
        return [told(one) for one in self.verdicts.values() if one.status not in (Status.PASS, Status.SKIPPED)]


def own_file(sample: Sample, folder: Path, text: str, change: Callable[[str], str] = str) -> Path:
    """Write the sample's file with further sections."""
    path = folder / "parameters" / "discovery.yml"
    path.parent.mkdir(exist_ok=True)
    (folder / "notebooks").mkdir(exist_ok=True)
    path.write_text(change(sample.parameters.read_text(encoding="utf-8") + text), encoding="utf-8")
    return path


@contextmanager
def done(path: Path, environment: Mapping[str, str], names: Sequence[str] = CHECKS) -> Iterator[tuple[Done, Audit]]:
    with opened(path, {**CORES, **environment}, live=True) as audit:
        found = {name: audit.check(name) for name in names}
        assert audit.table("flow_steps")._repr_mimebundle_() and audit.table("flow_times")._repr_mimebundle_()
        note = audit.private / LEFT
        left = json.loads(note.read_text(encoding="utf-8"))["what"] if note.exists() else None
        rows = {name: all_rows(audit, verdict) for name, verdict in found.items()}
        yield Done(found, rows, flows_done_before(audit) or {}, left), audit


Answer = tuple[int, Any] | tuple[int, Any, float]  # status, body (text, or what becomes JSON), seconds that it takes


@dataclass
class Told:
    """An API that answers each request as it was told to, one answer after the other, the last for ever."""

    answers: Mapping[str, list[Answer]]
    asked: list[str] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)
    url: str = ""

    def answer(self, request: str, body: bytes) -> tuple[int, bytes, float]:
        self.asked.append(request)
        self.bodies.append(json.loads(body) if body else None)
        known = self.answers.get(request, [(404, {"error": {"code": "not_found", "message": "no such thing"}})])
        status, given, *seconds = known[min(self.asked.count(request), len(known)) - 1]
        text = given if isinstance(given, str) else json.dumps(given)
        return status, text.encode(), seconds[0] if seconds else 0.0


@contextmanager
def answering(answers: Mapping[str, list[Answer]]) -> Iterator[Told]:
    one = Told(answers)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            request = f"{self.command} {self.path.removeprefix('/api/v1/')}"
            status, text, seconds = one.answer(request, body)
            time.sleep(seconds)
            with suppress(ConnectionError):  # who asked may be gone
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

        do_POST = do_PATCH = do_DELETE = do_GET

        def log_message(self, *parts: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    one.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield one
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
