"""Requests and commands: what is sent, what is told of the answer, and what is never done."""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import psutil
import pytest

from dsaudit.background.calls import LARGEST_ANSWER, Answered, NotAllowed, act, health, request_sync
from dsaudit.parameters import Parameters, load
from dsaudit.parameters.action import Action
from dsaudit.source.reading import value_at
from tests.background.systems import free_port, wait_for, written

TOKEN = "vN3pTz8bLq6wXs1k"
API = "api: {url_env: SMALL_API, token_env: SMALL_TOKEN, health: healthz, wait_seconds: 5,"
API += " sync: {path: api/sync, body: {resource: order}}}\n"


class Api(BaseHTTPRequestHandler):
    """Answers by its path; keeps what it is sent."""

    sent: ClassVar[list[tuple[str, str, str | None, Any]]] = []

    def do_POST(self) -> None:
        size = int(self.headers.get("Content-Length", 0))
        body = json.loads(self.rfile.read(size)) if size else None
        self.sent.append((self.command, self.path, self.headers["Authorization"], body))
        name = self.path.rpartition("/")[2]
        answer = {"text": b"ok", "list": b"[1]", "huge": b'{"a": "' + b"x" * 10 * LARGEST_ANSWER + b'"}'}.get(name)
        answer = json.dumps({"task_id": "7", "inner": {"state": True}}).encode() if answer is None else answer
        if name == "silent":
            time.sleep(3)
        self.send_response(int(name) if name.isdigit() else 200)
        if name == "302":
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        try:
            self.wfile.write(answer[:5] if name == "drips" else answer)
            if name == "drips":
                time.sleep(3)
        except OSError:
            return  # we have hung up

    do_GET = do_PUT = do_PATCH = do_DELETE = do_POST

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def parameters(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Parameters:
    monkeypatch.setenv("SMALL_API", f"{address}/base/")
    monkeypatch.setenv("SMALL_TOKEN", TOKEN)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")  # which is not for us
    Api.sent.clear()
    return load(written(tmp_path, API + "allow_actions: true\n"))


def asked(parameters: Parameters, **given: Any) -> Answered:
    return act(parameters, Action(**{"wait_seconds": 1, **given}))


def test_the_health_and_a_sync_are_asked_for_with_the_token(parameters: Parameters) -> None:
    well, queued = health(parameters), request_sync(parameters)
    assert well.is_done and well.status == 200 and well.told == "answered with 200" and well.seconds > 0
    assert queued.is_done and queued.body["task_id"] == "7"
    assert Api.sent == [
        ("GET", "/base/healthz", f"Bearer {TOKEN}", None),
        ("POST", "/base/api/sync", f"Bearer {TOKEN}", {"resource": "order"}),
    ]
    assert value_at(queued.body, "inner.state") is True and value_at(queued.body, "task_id.more") is None


def test_an_action_is_sent_as_it_is_declared(parameters: Parameters, address: str) -> None:
    assert asked(parameters, url=address, path="flag", method="PUT", body={"enabled": False}).is_done
    assert asked(parameters, url_env="SMALL_API", token_env="SMALL_TOKEN").is_done
    assert Api.sent == [
        ("PUT", "/flag", None, {"enabled": False}),
        ("POST", "/base/", f"Bearer {TOKEN}", None),
    ]


@pytest.mark.parametrize("status", [400, 404, 500, 302])
def test_another_status_is_told_and_a_redirect_is_not_followed(status: int, parameters: Parameters) -> None:
    found = asked(parameters, url_env="SMALL_API", path=str(status))
    assert (found.status, found.is_done, found.told) == (status, False, f"answered with {status}")
    assert len(Api.sent) == 1 and found.body["task_id"] == "7"


@pytest.mark.parametrize("name", ["text", "list", "huge", "drips"])
def test_an_answer_that_is_no_object_or_too_long_is_none(name: str, parameters: Parameters) -> None:
    found = asked(parameters, url_env="SMALL_API", path=name)
    assert found.body == {} and found.told in ("answered with 200", "not answered within 1 s")
    assert found.seconds < 30


def test_an_answer_that_does_not_come_is_not_waited_for(parameters: Parameters) -> None:
    found = asked(parameters, url_env="SMALL_API", path="silent")
    assert (found.status, found.is_done, found.told) == (None, False, "not answered within 1 s")


def test_what_is_not_reached_is_told(parameters: Parameters, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMALL_API", f"http://127.0.0.1:{free_port()}")
    assert health(parameters).told == "not reached: ConnectError" and not health(parameters).is_done
    monkeypatch.setenv("SMALL_API", "nowhere")
    assert health(parameters).told == "not reached: UnsupportedProtocol"
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("SMALL_API", f"http://127.0.0.1:{server.getsockname()[1]}")
        assert asked(parameters, url_env="SMALL_API").told == "not answered within 1 s"


def test_a_variable_that_is_not_set_is_told_by_its_name(
    parameters: Parameters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SMALL_TOKEN")
    assert "SMALL_TOKEN is not set" in health(parameters).told and not Api.sent
    monkeypatch.delenv("SMALL_API")
    assert "SMALL_API is not set" in asked(parameters, url_env="SMALL_API").told


def test_a_token_that_is_no_header_is_not_shown(parameters: Parameters, monkeypatch: pytest.MonkeyPatch) -> None:
    for token in (f"{TOKEN}\nX: y", f"{TOKEN}é"):
        monkeypatch.setenv("SMALL_TOKEN", token)
        assert health(parameters).told.startswith("not answered: ") and TOKEN not in str(health(parameters))


def test_a_token_leaves_a_staging_system_over_https_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMALL_API", "http://staging.example")
    monkeypatch.setenv("SMALL_TOKEN", TOKEN)
    parameters = load(written(tmp_path, API + "allow_actions: true\nenvironment: staging\n"))
    assert health(parameters).told == "outside development a token is sent over https alone"
    given = asked(parameters, url_env="SMALL_API", token_env="SMALL_TOKEN")
    assert given.told == "outside development a token is sent over https alone"


def test_nothing_is_done_where_nobody_asked_to_act(address: str, tmp_path: Path, parameters: Parameters) -> None:
    for text in ("", "environment: production\n"):
        quiet = load(written(tmp_path, API + text)).allowed_to_act(bool(text))
        for do in (lambda one=quiet: request_sync(one), lambda one=quiet: asked(one, url=address)):
            with pytest.raises(NotAllowed, match="not asked for"):
                do()
        with pytest.raises(NotAllowed):
            asked(quiet, command=["touch", str(tmp_path / "done")])
    assert not Api.sent and not (tmp_path / "done").exists()


def command(script: str) -> list[str]:
    return [sys.executable, "-c", script]


def test_a_command_is_run_without_a_shell_in_the_projects_folder(parameters: Parameters, tmp_path: Path) -> None:
    found = asked(parameters, command=[*command("import os, sys; print(os.getcwd(), sys.argv)"), "$HOME; x"])
    assert found.is_done and (found.status, found.code, found.told) == (None, 0, "the command ended with 0")
    assert found.output == f"{tmp_path} ['-c', '$HOME; x']"


def test_a_command_that_fails_is_told_with_its_last_lines_and_no_secret(parameters: Parameters) -> None:
    script = "import os, sys; print('\\n'.join(map(str, range(99)))); print(os.environ['SMALL_TOKEN']); sys.exit(3)"
    found = asked(parameters, command=command(script))
    assert not found.is_done and (found.code, found.told) == (3, "the command ended with 3")
    assert found.output.splitlines() == [*map(str, range(90, 99)), "***"] and TOKEN not in str(found)
    found = asked(parameters, command=command("import os, signal; os.kill(os.getpid(), signal.SIGKILL)"))
    assert (found.code, found.told) == (-9, "the command was ended by signal 9")


def test_a_command_that_takes_too_long_is_ended_with_all_that_it_started(
    parameters: Parameters, tmp_path: Path
) -> None:
    script = "import subprocess, time; one = subprocess.Popen(['sleep', '300']);"
    script += f"open({str(tmp_path / 'pid')!r}, 'w').write(str(one.pid)); time.sleep(300)"
    found = asked(parameters, command=command(script), wait_seconds=3)
    assert not found.is_done and (found.code, found.told) == (None, "the command was ended after 3 s")
    started = int((tmp_path / "pid").read_text(encoding="utf-8"))
    wait_for(lambda: not psutil.pid_exists(started) or psutil.Process(started).status() == "zombie", "its end")


@pytest.mark.parametrize(("words", "why"), [(["no-such-program"], "there is no such program"), (["/"], "ermission")])
def test_a_command_that_cannot_be_started_is_told(words: list[str], why: str, parameters: Parameters) -> None:
    found = asked(parameters, command=words)
    assert not found.is_done and found.told.startswith("the command was not started: ") and why in found.told
