"""What runs the app's processes, as a compose file does, and can be asked to run them otherwise."""

import hmac
import json
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psycopg

from examples.control import SampleError, call
from examples.processes import Process

from .processes import Broker, CeleryProcess, start_api, start_beat, start_worker

PARTS = ("api", "worker", "beat")


@dataclass(frozen=True)
class Settings:
    """How the app runs now."""

    enabled: bool
    seconds: float
    beats: int = 1
    faults: list[str] = field(default_factory=list)
    flag_reaches: list[str] = field(default_factory=lambda: ["api", "worker"])
    flag_stays_off: bool = False


class Platform:
    """Starts the app's parts and recreates them with changed settings; whoever asks waits until they are ready."""

    def __init__(
        self,
        folder: Path,
        code: Path,
        settings: Settings,
        variables: dict[str, str],
        partner: Process,
        control_token: str,
        broker: Broker,
        restore: Callable[[], None],
    ) -> None:
        self.folder, self.code, self.at_start, self.settings = folder, code, settings, settings
        self.variables, self.partner, self.control_token = variables, partner, control_token
        self.broker, self.restore = broker, restore
        self.logs, self.faults_file = folder / "logs", folder / "faults.json"
        self.running: dict[str, list[Process | CeleryProcess]] = {}
        self.api_port: int | None = None  # once chosen, the same for every API that follows
        self.lock = threading.Lock()

    @property
    def environment(self) -> dict[str, str]:
        """What the app's processes are told."""
        return {
            **self.variables,
            "HUNTER_ENVIRONMENT": "development",
            "HUNTER_PARTNER_CENTER_ENABLED": str(self.settings.enabled).lower(),
            "HUNTER_REFERRAL_SYNC_SECONDS": f"{self.settings.seconds:g}",
            "HUNTER_FAULTS_FILE": str(self.faults_file),
        }

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self.api_port}"

    def start(self, parts: Iterable[str] = PARTS) -> None:
        """Start parts: API and worker together, and then beat, so that its first sync is taken at once."""
        if "worker" in parts:
            worker = start_worker(self.code, self.logs / "worker.log", self.environment)
            self.running["worker"] = [worker]
        if "api" in parts:
            api = start_api(self.code, self.logs / "api.log", self.environment, self.api_port)
            self.running["api"], self.api_port = [api], api.port
            api.wait("")
        if "worker" in parts:
            worker.wait()
        if "beat" in parts:
            self.running["beat"] = [self._beat(number) for number in range(1, self.settings.beats + 1)]

    def _beat(self, number: int) -> CeleryProcess:
        name = "beat" if number == 1 else f"beat-{number}"
        schedule = self.folder / f"{name}.schedule"
        schedule.unlink(missing_ok=True)
        beat = start_beat(self.code, self.logs / f"{name}.log", self.environment, schedule)
        beat.wait()
        return beat

    def stop(self, parts: Iterable[str] = PARTS, kill: bool = False) -> None:
        """Stop parts; where they are not killed, a worker ends the sync first that it is at."""
        for name in reversed([name for name in PARTS if name in parts]):
            for part in self.running.pop(name, []):
                part.running.kill() if kill else part.running.stop()

    def status(self, _: Any) -> Any:
        up = {name: [part for part in self.running.get(name, []) if not part.running.ended()] for name in PARTS}
        told = {name: "up" if up[name] else "ended" for name in ("api", "worker")}
        return {
            **told,
            "beats": len(up["beat"]),
            "enabled": self.settings.enabled,
            "seconds": self.settings.seconds,
            "faults": self.settings.faults,
        }

    def flag(self, asked: Any) -> Any:
        """{"enabled": false}: recreate API and worker with the changed variable."""
        if not isinstance(asked["enabled"], bool):
            raise ValueError("enabled is true or false")
        if asked["enabled"] and self.settings.flag_stays_off:
            return self.status(None)
        return self.misbehave({"enabled": asked["enabled"], "recreate": [*self.settings.flag_reaches]})

    def ask_partner(self, asked: Any) -> Any:
        """{"fail": 503} makes the partner refuse, {"bad_record": true} serve what nobody can take; null ends either."""
        return call(f"{self.partner.url}/_control/faults", self.control_token, asked)

    def arrive(self, asked: Any) -> Any:
        """Let the partner have a new referral; what is asked is laid over what it would be."""
        return call(f"{self.partner.url}/_control/add", self.control_token, asked)

    def misbehave(self, asked: Any) -> Any:
        """Change settings by their names, and recreate the parts that `recreate` names so that they know."""
        recreated = asked.pop("recreate", [])
        self.settings = replace(self.settings, **asked)
        self._switch(self.settings.faults)
        self.stop(recreated)
        self.start(recreated)
        return self.status(None)

    def _switch(self, faults: list[str]) -> None:
        """Put a whole file in the place of the old one: a sync that is at work reads it at any moment."""
        written = self.faults_file.with_suffix(".new")
        written.write_text(json.dumps(faults), encoding="utf-8")
        written.replace(self.faults_file)

    def heal(self, _: Any) -> Any:
        """Put everything back as it was: settings, partner, database, broker and logs."""
        self.stop(kill=True)
        self.settings = self.at_start
        self.faults_file.unlink(missing_ok=True)
        for log in self.logs.iterdir():
            log.unlink()
        call(f"{self.partner.url}/_control/reset", self.control_token, {})
        self.restore()
        self.broker.forget()
        self.start()
        return self.status(None)

    def close(self) -> None:
        with self.lock:
            self.stop(kill=True)


class Control:
    """The platform's HTTP control, on a loopback port of its own, for who has the token."""

    def __init__(self, platform: Platform, token: str) -> None:
        actions = {
            ("GET", "/status"): platform.status,
            ("POST", "/flag"): platform.flag,
            ("POST", "/partner"): platform.ask_partner,
            ("POST", "/arrive"): platform.arrive,
            ("POST", "/misbehave"): platform.misbehave,
            ("POST", "/heal"): platform.heal,
        }

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer("GET")

            def do_POST(self) -> None:
                self._answer("POST")

            def _answer(self, method: str) -> None:
                text = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                given = self.headers.get("Authorization", "")
                action = actions.get((method, self.path))
                if not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
                    self._send(401, {"error": "the token is missing or wrong"})
                elif action is None:
                    self._send(404, {"error": f"{method} {self.path} is nothing that the platform does"})
                else:
                    self._send(*self._done(action, text))

            def _done(self, action: Callable[[Any], Any], text: bytes) -> tuple[int, Any]:
                try:
                    with platform.lock:
                        return 200, action(json.loads(text or b"{}"))
                except (ValueError, KeyError, TypeError) as error:
                    return 422, {"error": f"{type(error).__name__}: {error}"}
                except (SampleError, psycopg.Error) as error:
                    return 502, {"error": str(error)}

            def _send(self, status: int, body: Any) -> None:
                text = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
