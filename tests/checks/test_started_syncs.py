"""Syncs that an audit starts when it is asked to act: run to their end, refused, silent, or not started at all."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import psutil
import pytest

from dsaudit.checks import all_checks
from dsaudit.checks.planning import plan_check
from dsaudit.parameters import ParameterError, load
from dsaudit.run.preflight.acting import started
from dsaudit.source.recording import STARTED
from dsaudit.verdict import Status
from tests.checks.auditing import all_rows, opened, told, variables

pytestmark = pytest.mark.xdist_group("started_syncs")  # one clone for all of them
CHECK = "syncs_started_now_complete"
RUN = 'run: {url_env: STOREFRONT_SYNC, body: {shop: "{account}", resources: ["{resource}s"]}}'


@pytest.fixture(scope="module")
def shop(sample: Any) -> Iterator[Any]:
    with sample.clone() as clone:
        yield clone


def with_run(shop: Any, folder: Path, run: str) -> Path:
    """The clone's file with another way to start a sync."""
    text = shop.parameters.read_text(encoding="utf-8")
    assert text.count(RUN) == 1
    path = shop.parameters.with_name(f"{folder.name}.yml")
    path.write_text(text.replace(RUN, run), encoding="utf-8")
    return path


@pytest.fixture
def listener() -> Iterator[Any]:
    """An endpoint that answers 202, starts nothing, and keeps what it is sent."""

    class Handler(BaseHTTPRequestHandler):
        sent: ClassVar[list[tuple[str, str | None, Any]]] = []

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.sent.append((self.path, self.headers["Authorization"], body))
            self.send_response(202)
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    Handler.sent = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Handler, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_without_being_asked_none_is_started() -> None:
    planned = plan_check(all_checks()[CHECK], load("parameters/sample.yml"))
    assert planned.skipped and "--live" in planned.skipped
    assert plan_check(all_checks()[CHECK], load("parameters/sample.yml").allowed_to_act()).skipped is None


def test_each_resource_is_synced_once_and_the_table_tells_its_figures(shop: Any, tmp_path: Path) -> None:
    with opened(shop.parameters, shop.environment, live=True) as audit:
        verdict, frame = audit.check(CHECK), audit.frame("syncs_started_now")
        kept = json.loads((audit.source.folder / STARTED).read_text(encoding="utf-8"))
        synced = [name for name, one in audit.parameters.resources.items() if one.sync]
    assert verdict.status is Status.PASS, told(verdict)
    assert len(frame) == len(kept) == 2 * len(synced)
    assert set(frame["outcome"]) == {"completed"}
    orders = frame[(frame["tenant"] == "acme") & (frame["resource"] == "order")].iloc[0]
    assert orders["fetched"] > 0 and orders["pages"] > 0 and orders["seconds"] >= 0


def test_a_refused_sync_is_found_and_no_other(shop: Any) -> None:
    planted = shop.plant("started_sync_refused")
    try:
        with opened(shop.parameters, shop.environment, live=True) as audit:
            verdict = audit.check(CHECK)
            rows = all_rows(audit, verdict)
    finally:
        shop.source_control("faults", {"revoked_scopes": None})
    assert verdict.status is Status.FAIL, told(verdict)
    found = {(row["tenant"], row["resource"], row["outcome"]) for row in rows}
    assert found == {(one.scope["tenant"], one.scope["resource"], one.keys[0]) for one in planted.must}


def test_what_answers_and_starts_nothing_is_silent(shop: Any, tmp_path: Path, listener: Any) -> None:
    handler, address = listener
    body = 'body: {type: "{resource}"}, token_env: SYNC_TOKEN, wait_seconds: 0.1'
    run = f'run: {{url: "{address}/{{tenant}}", {body}}}'
    # A run that has not ended shows that runs are noted at their start.
    open_run = "update shopify_sync_run set ended_at = null where ctid = (select min(ctid) from shopify_sync_run)"
    with shop.owner() as owner:
        owner.execute(open_run)
    with opened(with_run(shop, tmp_path, run), {**shop.environment, "SYNC_TOKEN": "secret"}, live=True) as audit:
        verdict = audit.check(CHECK)
        rows = all_rows(audit, verdict)
    assert verdict.status is Status.FAIL, told(verdict)
    assert {row["outcome"] for row in rows} == {"silent"}
    assert ("/acme", "Bearer secret", {"type": "order"}) in handler.sent
    assert len(handler.sent) == len(set(map(str, handler.sent)))


def test_an_endpoint_out_of_reach_accuses_nobody(shop: Any, tmp_path: Path) -> None:
    run = "run: {url: http://127.0.0.1:9/sync, wait_seconds: 1}"
    with opened(with_run(shop, tmp_path, run), shop.environment, live=True) as audit:
        verdict = audit.check(CHECK)
    assert verdict.status is Status.INCONCLUSIVE, told(verdict)
    assert "not reached" in told(verdict)


SYNC = """
import json, os, sys, time, urllib.request

account, resource, how = sys.argv[1:]
if how == "hangs":
    os.system("sleep 60 &")
    time.sleep(60)
body = json.dumps({"shop": account, "resources": [resource + "s"]}).encode()
request = urllib.request.Request(os.environ["STOREFRONT_SYNC"], body, {"Content-Type": "application/json"})
urllib.request.urlopen(request).read()
print("with", os.environ["STOREFRONT_TOKEN"], "; $HOME", *("DSAUDIT_RUN" in os.environ, os.getcwd()), sep="|")
print("anne@example.org is no customer")
sys.exit(int(how))
"""


def by_command(shop: Any, folder: Path, how: str, more: str = "", resource: str = "customer") -> Path:
    """The clone's file with a command that has the integration sync, and ends as is said."""
    (folder / "sync.py").write_text(SYNC, encoding="utf-8")
    command = f'["{sys.executable}", "{folder}/sync.py", "{{account}}", "{{resource}}", "{how}"]'
    return with_run(shop, folder, f"run: {{command: {command}{more}}}")


def test_a_command_starts_each_sync(shop: Any, tmp_path: Path) -> None:
    path = by_command(shop, tmp_path, "0")
    with opened(path, shop.environment, live=True, resources=["customer", "gift_card"]) as audit:
        verdict, frame = audit.check(CHECK), audit.frame("syncs_started_now")
    assert verdict.status is Status.PASS, told(verdict)
    assert len(frame) == 4 and set(frame["outcome"]) == {"completed"}
    with variables(shop.environment):
        assert started(load(str(path))).ok


def test_a_command_that_fails_is_told_by_its_code_and_last_lines(shop: Any, tmp_path: Path) -> None:
    path = by_command(shop, tmp_path, "3")
    with opened(path, shop.environment, live=True, resources=["customer"], tenants=["acme"]) as audit:
        verdict = audit.check(CHECK)
        (row,) = all_rows(audit, verdict)
        shown = verdict._repr_mimebundle_()["text/html"]
    assert verdict.status is Status.FAIL, told(verdict)
    assert row["outcome"] == "failed" and row["told"] == "the command ended with 3"
    folder = shop.parameters.parent.parent
    assert row["output"] == f"with|***|; $HOME|False|{folder}\nanne@example.org is no customer"
    assert "the command ended with 3" in shown and "anne@" not in shown


def test_a_command_that_takes_too_long_is_ended_and_accuses_nobody(shop: Any, tmp_path: Path) -> None:
    path = by_command(shop, tmp_path, "hangs", ", wait_seconds: 1")
    clock = time.monotonic()
    with opened(path, shop.environment, live=True, resources=["customer"], tenants=["acme"]) as audit:
        verdict = audit.check(CHECK)
    assert verdict.status is Status.INCONCLUSIVE, told(verdict)
    assert "the command was ended after 1 s" in told(verdict) and time.monotonic() - clock < 20
    assert not [one for one in psutil.process_iter(["cmdline"]) if f"{tmp_path}/sync.py" in (one.info["cmdline"] or [])]


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("[no-such-program]", "the command was not started: there is no such program"),
        ("[sh, -c, 'exit 127']", "the command ended with 127"),
    ],
)
def test_a_command_that_did_not_run_accuses_nobody(command: str, words: str, shop: Any, tmp_path: Path) -> None:
    path = with_run(shop, tmp_path, f"run: {{command: {command}}}")
    with opened(path, shop.environment, live=True, resources=["customer"], tenants=["acme"]) as audit:
        verdict = audit.check(CHECK)
    assert verdict.status is Status.INCONCLUSIVE and words in told(verdict), told(verdict)
    with variables(shop.environment):
        line = started(load(str(path)))
    assert line.ok is (command != "[no-such-program]")
    assert line.ok or "syncs.run.command" in line.words or "there is no program no-such-program" in line.words


MISTAKES = {
    "in production": ("environment: development", "environment: production", "not started in production"),
    "unknown placeholder": ("{account}", "{shop}", "{shop} is no placeholder"),
    "no address": ("url_env: STOREFRONT_SYNC, ", "", "give one way to do it"),
    "two ways": ("url_env: STOREFRONT_SYNC, ", "url_env: STOREFRONT_SYNC, command: [x], ", "give one way to do it"),
    "a body for a command": ("url_env: STOREFRONT_SYNC, ", "command: [x], ", "body is of a request"),
    "an empty command": ("url_env: STOREFRONT_SYNC, ", "command: [], ", "at least one has to be given"),
    "a line for a shell": ("url_env: STOREFRONT_SYNC, ", "command: make sync, ", "list"),
    "unknown placeholder in a command": (RUN[5:], "{command: [x, '{shop}']}", "{shop} is no placeholder"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_with_its_place(mistake: str, tmp_path: Path) -> None:
    old, new, words = MISTAKES[mistake]
    text = Path("parameters/sample.yml").read_text(encoding="utf-8")
    if mistake == "in production":
        text = text[: text.index("\nlive:")] + "\n" if "\nlive:" in text else text
        text = text.replace(", valid: true", "")  # which production refuses as well
    else:
        old, new = RUN, RUN.replace(old, new)
    (tmp_path / "parameters").mkdir()
    path = tmp_path / "parameters" / "one.yml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(ParameterError, match=r"syncs\.run") as raised:
        load(str(path))
    assert words in str(raised.value)
