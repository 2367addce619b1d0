"""What `dsaudit check` says of a background sync: each way in, and what a run that acts would do."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psycopg
import pytest

from dsaudit import background, server
from dsaudit.evidence import secret_values
from dsaudit.parameters import load
from dsaudit.run.preflight import preflight
from dsaudit.run.preflight.line import Line
from tests.background.systems import PASSWORD, WORKER, Jobs, free_port, written

pytestmark = pytest.mark.xdist_group("background")
API = "api: {url_env: SMALL_API, health: healthz, sync: {path: api/sync}}\n"
FLAG = "flag: {name: SYNC_ENABLED, shown: flags.sync, off: {url_env: SMALL_API, path: turn}, on: {command: ['true']}}\n"
OUTAGE = "outage: {begin: {url_env: SMALL_API}, end: {url_env: SMALL_API, token_env: SMALL_TOKEN}}\n"
SCHEDULE = "schedule: {entry: by-seconds, seconds: 2.5}\n"


@pytest.fixture(scope="module")
def api() -> Iterator[str]:
    class Well(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"flags": {"sync": "enabled"}}).encode())

        def log_message(self, *args: Any) -> None:
            pass

    one = ThreadingHTTPServer(("127.0.0.1", 0), Well)
    threading.Thread(target=one.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{one.server_port}"
    one.shutdown()
    one.server_close()


@pytest.fixture
def _here(api: str, jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMALL_API", api)
    monkeypatch.setenv("SMALL_BROKER", jobs.url)
    monkeypatch.delenv("SMALL_TOKEN", raising=False)


def lines(folder: Path, text: str) -> list[Line]:
    def nothing(parameters: Any) -> Iterator[Any]:
        return iter(())

    return [*preflight(load(written(folder, text)), nothing, nothing, nothing, background.ways)]


def said(folder: Path, text: str) -> list[tuple[bool | None, str]]:
    return [(ok, words) for _, ok, words in background.ways(load(written(folder, text)))]


@pytest.mark.usefixtures("_here")
def test_each_way_in_is_told_in_a_line(working: Jobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMALL_TOKEN", "x")
    told = said(tmp_path, API + WORKER + SCHEDULE + FLAG + OUTAGE + "allow_actions: true\n")
    assert all(ok for ok, _ in told), told
    health, *rest = [words for _, words in told]
    assert health.startswith("healthz: answered with 200 in ")
    always = "with each run (allow_actions), "
    assert rest == [
        f"{always}a sync would be asked for (POST api/sync)",
        "2 workers answer, 1 of them with jobs.work; 0 messages waiting in celery",
        f"{always}the task would be queued, and one that runs be killed",
        "by-seconds every 2.5 s, as documented (the configuration of one@here)",
        'SYNC_ENABLED is on: it shows "enabled"',
        f"{always}it would be turned off for a while, and put back",
        f"{always}the source would be made to refuse for a while",
    ]


@pytest.mark.usefixtures("_here")
@pytest.mark.parametrize(
    ("text", "words"),
    [
        (SCHEDULE.replace("2.5", "30"), "by-seconds every 2.5 s, documented is every 30 s"),
        (SCHEDULE.replace("by-seconds", "by-second"), "there is no entry by-second; did you mean by-seconds?"),
        (SCHEDULE.replace("by-seconds", "by-moon"), "by-moon is there, and its interval cannot be read"),
        (WORKER.replace("jobs.work", "no.task"), "2 workers answer, and none knows no.task"),
        (API + FLAG.replace("flags.sync", "flag"), "the answer of api.health has nothing at flag"),
        (API + FLAG.replace("shown", "on_values: [yes please], shown"), 'shows "enabled", which is not among them'),
        (OUTAGE, "SMALL_TOKEN is not set; with --live, the source would be made to refuse for a while"),
        (API + FLAG.replace("'true'", "no-such-program"), "there is no program no-such-program; with --live, it would"),
        (API + FLAG + "environment: production\n", "declared, and never done in production"),
    ],
)
def test_what_is_otherwise_is_told(text: str, words: str, working: Jobs, tmp_path: Path) -> None:
    text = text if "worker:" in text or "schedule:" not in text else WORKER + text
    assert any(words in one for _, one in said(tmp_path, text)), said(tmp_path, text)


@pytest.mark.usefixtures("_here")
def test_what_does_not_answer_is_told_with_its_place_and_without_a_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMALL_API", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("SMALL_BROKER", f"redis://:{PASSWORD}@127.0.0.1:{free_port()}/0")
    found = {one.way: one for one in reversed(lines(tmp_path, API + WORKER + SCHEDULE + FLAG))}
    expected = {
        "api": "small.yml:3:27: api.health: healthz: not reached: ConnectError",
        "worker": "small.yml:4:1: worker: the broker does not answer (worker.broker_env): connection refused",
        "schedule": "small.yml:5:1: schedule.from: the broker does not answer (worker.broker_env): connection refused",
        "flag": "small.yml:6:28: flag.shown: SYNC_ENABLED is not told; the API: not reached: ConnectError",
    }
    assert {name: found[name].words.partition("parameters/")[2] for name in expected} == expected
    assert not any(found[name].ok for name in expected) and PASSWORD not in str(found)
    lacking = "outage, bad_record, new_record, ready, apis"
    assert lacking in found["not given"].words and found["not given"].ok is None


@pytest.mark.usefixtures("_here")
def test_without_a_worker_the_broker_alone_answers(jobs: Jobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMALL_BROKER", jobs.url.replace("/0", "/1"))
    told = [(False, "the broker answers, and no worker does; 0 messages waiting in celery")]
    assert said(tmp_path, WORKER) == told


def test_a_password_and_a_token_are_secrets_and_a_bare_address_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMALL_API", "http://127.0.0.1:8000/base")
    monkeypatch.setenv("SMALL_BROKER", f"redis://:{PASSWORD}@127.0.0.1:6379/0")
    monkeypatch.setenv("SMALL_TOKEN", "vN3pTz8bLq6wXs1k")
    parameters = load(written(tmp_path, API + WORKER + OUTAGE))
    assert parameters.secrets() == ["SMALL_API", "SMALL_BROKER", "SMALL_TOKEN", "SMALL_URL"]
    values = secret_values(parameters)
    assert PASSWORD in values and "vN3pTz8bLq6wXs1k" in values
    assert not any("127.0.0.1:8000" in value for value in values)


def test_a_file_without_a_background_sync_says_so_in_one_line(tmp_path: Path) -> None:
    found = {one.way: one for one in lines(tmp_path, "")}
    lacking = "api, worker, schedule, flag, outage, bad_record, new_record, ready, apis"
    assert lacking in found["not given"].words and not set(found) & set(lacking.split(", "))


def test_the_view_of_what_is_ready_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with server.running() as one:
        monkeypatch.setenv("SMALL_URL", one.url)
        with psycopg.connect(one.url, autocommit=True) as connection:
            connection.execute("create view leads as select 1 as id, 'x' as domain")
        for given, ok, words in [
            ("{view: leads, key: id, columns: [domain]}", True, "leads is there"),
            ("{view: leads, key: id, columns: [domain, kind]}", True, "it has no kind, which the audit judges"),
            ("{view: leads, key: number, columns: [domain]}", False, "ready.key: leads has no column number"),
            ("{view: lead, key: id, columns: [domain]}", False, "has no table lead; did you mean leads?"),
        ]:
            (line,) = [one for one in lines(tmp_path, f"ready: {given}\n") if one.way == "ready"]
            assert line.ok is ok and words in line.words, line
