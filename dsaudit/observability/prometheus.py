"""A Prometheus of one's own on this machine: it scrapes what a system exposes, and its alerts are looked at."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import yaml

from dsaudit.attached import Keeper, attached, ended, free_port, private_folder, stop, tied
from dsaudit.observability.exposition import PLAIN, NotExposed

HOST = "127.0.0.1"
READY_SECONDS = 30.0
PAUSE = 0.1


class NoPrometheus(Exception):
    """It cannot be asked; the message says why."""


@dataclass(frozen=True)
class Prometheus:
    """A running one; `address` is where its API is."""

    address: str

    def asked(self, path: str) -> Any:
        """Return the data of an answer of its API; raises `NoPrometheus` where there is none."""
        try:
            answer = httpx.get(f"{self.address}/api/v1/{path}", timeout=10, trust_env=False)
            return answer.raise_for_status().json()["data"]
        except (httpx.HTTPError, ValueError, KeyError) as error:
            raise NoPrometheus(f"Prometheus does not answer: {type(error).__name__}") from None

    def alerts(self) -> dict[str, str]:
        """Return the alerts that are there by name: ``firing``, or ``pending``."""
        found: dict[str, str] = {}
        for one in self.asked("alerts")["alerts"]:
            name, state = one["labels"]["alertname"], one["state"]
            found[name] = "firing" if "firing" in (state, found.get(name)) else state
        return found

    def troubles(self) -> dict[str, str]:
        """Return the rules that could not be reckoned, each with what Prometheus says of it."""
        rules = [rule for group in self.asked("rules")["groups"] for rule in group["rules"]]
        return {rule["name"]: rule["lastError"] for rule in rules if rule.get("lastError")}

    def scrape_problem(self) -> str | None:
        """Return what hinders the scrape, None where it goes well, and what is to be waited for where none was yet."""
        targets = self.asked("targets?state=active")["activeTargets"]
        if not targets or targets[0]["health"] == "unknown":
            return "nothing was scraped yet"
        return targets[0]["lastError"] or None

    def scraped_share(self, since: float, every: float) -> float:
        """Return which share of the scrapes went well that were due every `every` seconds in the last `since`."""
        due = max(since / every, 1)
        found = self.asked(f"query?query=sum_over_time(up[{round(since * 1000)}ms])")["result"]
        return sum(float(one["value"][1]) for one in found) / due


@contextlib.contextmanager
def running(groups: list[dict[str, Any]], expose: Callable[[], str], seconds: float) -> Iterator[Prometheus]:
    """Run one that scrapes and evaluates every `seconds`; `expose` returns the metrics' text, or raises NotExposed.

    It scrapes them from a relay of this process, so that no address and no token stands in a file of its own.

    Raises
    ------
    NoPrometheus
        It is not installed, or does not begin; the message has its own words.
    """
    program = shutil.which("prometheus")
    if program is None:
        raise NoPrometheus("prometheus is not installed; it is a package of most systems")
    with private_folder("dsaudit-prometheus-") as folder, _relayed(expose) as target:
        port = free_port()
        _configure(folder, groups, target, seconds)
        command = [
            *tied("TERM"),
            program,
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={HOST}:{port}",
            "--log.level=warn",
        ]
        environment = {"PATH": os.environ.get("PATH", ""), "HOME": str(folder)}
        keeper = attached(command, folder / "log", environment=environment, folder=folder)
        try:
            yield _begun(keeper, Prometheus(f"http://{HOST}:{port}"), folder / "log")
        finally:
            stop(keeper)


def _configure(folder: Path, groups: list[dict[str, Any]], target: str, seconds: float) -> None:
    every = f"{round(seconds * 1000)}ms"
    timing = {"scrape_interval": every, "scrape_timeout": every, "evaluation_interval": every}
    job = {"job_name": "audited", "static_configs": [{"targets": [target]}]}
    document = {"global": timing, "rule_files": ["rules.yml"], "scrape_configs": [job]}
    plain = [{key: value for key, value in group.items() if key in ("name", "rules")} for group in groups]
    for name, content in (("prometheus.yml", document), ("rules.yml", {"groups": plain})):
        (folder / name).write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), encoding="utf-8")


def _begun(keeper: Keeper, one: Prometheus, log: Path) -> Prometheus:
    """Return it as soon as it is ready."""
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until and not ended(keeper):
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"{one.address}/-/ready", timeout=1, trust_env=False).is_success:
                return one
        time.sleep(PAUSE)
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    told = f": {lines[-1]}" if lines else ""
    raise NoPrometheus(f"prometheus did not begin{told}")


@contextlib.contextmanager
def _relayed(expose: Callable[[], str]) -> Iterator[str]:
    """Serve what is exposed to this machine, and yield where."""

    class Relay(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            try:
                status, body = 200, expose().encode()
            except NotExposed as error:
                status, body = 502, str(error).encode()
            self.send_response(status)
            self.send_header("Content-Type", PLAIN)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with contextlib.suppress(OSError):  # it may have been waited for no longer
                self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Tell nobody: it is one line a scrape."""

    server = ThreadingHTTPServer((HOST, 0), Relay)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": PAUSE}, daemon=True)
    thread.start()
    try:
        yield f"{HOST}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
