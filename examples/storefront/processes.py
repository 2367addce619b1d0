"""The two processes of the sample, and what prepares their database, as children that cannot outlive us."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from dsaudit.attached import attached, ended, free_port, stop, tied

from . import databases
from .control import SampleError, call, poll

PROJECT = Path(__file__).resolve().parents[2]
BACKEND = Path(__file__).resolve().parent / "backend"
START_SECONDS = 60

Command = Callable[[int], list[str]]
Variables = Callable[[int], Mapping[str, str]]


class PortTaken(SampleError):
    """Another program took the port between the choice and the start; try again."""


class Process:
    """A server on a loopback port. It starts at once and `wait` says when it answers: several can start together."""

    def __init__(self, name: str, health: str, command: Command, variables: Variables, log: Path) -> None:
        self.name, self.health, self.log = name, health, log
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        environment = {**surroundings(), **variables(self.port)}
        full_command = [*tied("KILL"), sys.executable, *command(self.port)]
        self.keeper = attached(full_command, log, environment=environment, folder=PROJECT)

    def wait(self, token: str, seconds: float = START_SECONDS) -> None:
        """Wait until it answers. Raises SampleError with the end of its log."""
        for _ in poll(seconds):
            if ended(self.keeper):
                break
            if self._answers(token):
                return
        problem = PortTaken if "address already in use" in self.log.read_text(errors="replace") else SampleError
        raise problem(f"the {self.name} did not start; the end of its log: {end_of(self.log)}")

    def _answers(self, token: str) -> bool:
        try:
            call(self.url + self.health, token)
        except SampleError:
            return False
        return True

    def stop(self) -> None:
        stop(self.keeper)


def start_source(data: Path, options: list[str], variables: Mapping[str, str]) -> Process:
    """The provider's side, on the objects in a file that is made if it is not there."""

    def command(port: int) -> list[str]:
        return ["-m", "examples.storefront.source", "--port", str(port), "--data", str(data), *options]

    return Process("source", "/_control/status", command, lambda _: variables, data.with_suffix(".log"))


def start_backend(log: Path, variables: Mapping[str, str], code: Path = BACKEND) -> Process:
    """The integration, started the way its own developers do; `code` may be a copy of it."""

    def command(port: int) -> list[str]:
        server = ["-m", "uvicorn", "app.main:app", "--app-dir", str(code), "--host", "127.0.0.1"]
        return [*server, "--port", str(port), "--log-level", "warning", "--timeout-graceful-shutdown", "2"]

    def with_own_address(port: int) -> dict[str, str]:
        return {**variables, "PUBLIC_URL": f"http://127.0.0.1:{port}"}

    return Process("backend", "/healthz", command, with_own_address, log)


class Migrations:
    """Alembic's script up to the newest revision; it is written at once, while the database may still be starting."""

    def __init__(self, folder: Path) -> None:
        self.script, self.log = folder / "migrations.sql", folder / "migrations.log"
        command = [*tied("KILL"), sys.executable, "-m", "alembic", "upgrade", "head", "--sql"]
        with self.script.open("wb") as script, self.log.open("wb") as log:
            self.writer = subprocess.Popen(
                command, cwd=BACKEND, env=surroundings(), stdin=subprocess.DEVNULL, stdout=script, stderr=log
            )

    def run(self, owner_url: str) -> None:
        if self.writer.wait():
            raise SampleError(f"the migrations failed; the end of their log: {end_of(self.log)}")
        databases.execute(owner_url, self.script.read_text(encoding="utf-8"))

    def stop(self) -> None:
        self.writer.kill()
        self.writer.wait()


def surroundings() -> dict[str, str]:
    """Our environment without what would point a process to another database or another sample."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PG", "STOREFRONT_", "DSAUDIT_"))}


def end_of(log: Path) -> str:
    return " | ".join(log.read_text(errors="replace").splitlines()[-5:])
