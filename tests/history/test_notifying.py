"""A change of state is told, over real HTTP, without data; whatever goes wrong changes nothing."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from dsaudit.history import notifying
from dsaudit.history.notifying import message_of, notify
from dsaudit.parameters.evidence import Evidence
from dsaudit.parameters.models import Parameters
from dsaudit.verdict import Status
from tests.report import runs

EVIDENCE = {"notify_url_env": "NOTIFY_URL", "report_url": "https://ci.example/audits/{run}/report.html"}
FAILED = {"orphans": Status.FAIL}


def parameters(**evidence: Any) -> Parameters:
    settings = {"path": "acme.yml", "integration": "acme-shopify", "database": {"url_env": "AUDIT_URL"}}
    return Parameters.model_validate({**settings, "evidence": {**EVIDENCE, **evidence}})


@contextmanager
def receiver(
    status: int = 200, headers: dict[str, str] | None = None, slow: float = 0
) -> Iterator[tuple[str, list[Any]]]:
    """A server on this machine, its address and what was posted to it."""
    received: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            time.sleep(slow)
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook/secret-token", received
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_change_of_state_is_posted(monkeypatch: pytest.MonkeyPatch) -> None:
    result = runs.result(FAILED)
    result["history"][0]["decision"] = "GO"
    with receiver() as (address, received):
        monkeypatch.setenv("NOTIFY_URL", address)
        told = notify(result, parameters())
    (message,) = received
    assert told == "told: acme-shopify (staging): NO-GO, before GO"
    assert message["text"].startswith("acme-shopify (staging): NO-GO, before GO\nChecks: 1 fail, 25 pass\n")
    link = f"https://ci.example/audits/{runs.RUN}/report.html"
    assert message["text"].endswith(link) and message["report"] == link
    assert (message["decision"], message["before"], message["checks"]["fail"]) == ("NO-GO", "GO", 1)


def test_the_message_holds_no_data() -> None:
    result = runs.result(FAILED, problems=["Key (email)=(ann@example.com)"])
    result["history"] = []
    text = json.dumps(message_of(result, Evidence(**EVIDENCE)))
    rows = [cell for verdict in result["verdicts"] for row in verdict["rows"] for cell in row]
    secrets = [str(cell) for cell in rows if not isinstance(cell, dict) and len(str(cell)) > 6]
    findings = [finding for verdict in result["verdicts"] for finding in verdict["findings"]]
    assert secrets and findings and not any(one in text for one in [*secrets, *findings, "k3f2a", "ann@example.com"])
    assert not any(reason["text"] in text for reason in result["reasons"])


@pytest.mark.parametrize(
    ("statuses", "before", "given", "changed"),
    [
        (FAILED, "GO", {}, True),
        (FAILED, "INCONCLUSIVE", {}, True),
        (FAILED, "NO-GO", {}, False),
        ({}, "NO-GO", {}, True),
        ({}, "GO", {}, False),
        ({}, None, {}, False),
        (FAILED, None, {}, True),
        (FAILED, "GO", {"limits": ["narrowed"]}, False),
    ],
)
def test_only_a_change_is_told(statuses: Any, before: str | None, given: Any, changed: bool) -> None:
    result = runs.result(statuses, **given)
    if before is None:
        result["history"] = []
    else:
        result["history"][0]["decision"] = before
    assert (message_of(result, Evidence(**EVIDENCE)) is not None) is changed


def test_the_criteria_that_changed_are_named() -> None:
    result = runs.result({"source_missing_in_refined": Status.FAIL})
    earlier = result["history"][0]
    earlier |= {"decision": "GO", "criteria": {one["id"]: "pass" for one in result["criteria"]}}
    message = message_of(result, Evidence(**EVIDENCE))
    failed = {one["id"] for one in result["criteria"] if one["status"] == "fail"}
    assert message and failed and set(message["criteria"]) == failed
    assert all(one == {"before": "pass", "now": "fail"} for one in message["criteria"].values())


def posted(monkeypatch: pytest.MonkeyPatch, address: str) -> str:
    result = runs.result(FAILED)
    result["history"] = []
    monkeypatch.setenv("NOTIFY_URL", address)
    before = json.dumps(result)
    told = notify(result, parameters())
    assert json.dumps(result) == before and "\n" not in told and "secret-token" not in told
    return told


def test_a_refusal_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiver(500) as (address, received):
        assert posted(monkeypatch, address) == "the change of state was not told: the answer was 500"
    assert len(received) == 1


def test_no_redirect_is_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiver() as (other, elsewhere), receiver(307, {"Location": other}) as (address, received):
        assert posted(monkeypatch, address) == "the change of state was not told: the answer was 307"
    assert len(received) == 1 and elsewhere == []


def test_who_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notifying, "SECONDS", 0.3)
    started = time.monotonic()
    with receiver(slow=1.5) as (address, _):
        told = posted(monkeypatch, address)
        assert time.monotonic() - started < 1.2
    assert told in (
        "the change of state was not told: no answer within 0 s",
        "the change of state was not told: ReadTimeout",
    )


def test_a_closed_door_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    told = posted(monkeypatch, f"http://127.0.0.1:{port}/secret-token")
    assert told == "the change of state was not told: ConnectError"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "http://chat.example/secret-token",
        "http://127.0.0.1.evil.example/secret-token",
        "http://localhost@evil.example/secret-token",
        "ftp://127.0.0.1/secret-token",
        "file:///secret-token",
        "https:///secret-token",
        "https://a:b:c/secret-token",
        "http://[::1/secret-token",
    ],
)
def test_other_addresses_are_not_posted_to(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    told = posted(monkeypatch, address)
    assert told == "the change of state was not told: NOTIFY_URL holds no https address, nor one of this machine"


@pytest.mark.parametrize("address", ["https://hooks.example/x", "http://[::1]:9/x", "http://localhost:9/x"])
def test_these_addresses_may_be_posted_to(address: str) -> None:
    assert notifying._may_be_posted_to(address)


def test_without_an_address_in_the_file_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert notify(runs.result(FAILED), parameters(notify_url_env=None)) == ""
