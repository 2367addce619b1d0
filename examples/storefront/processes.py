"""The two processes of the sample, and what prepares their database, as children that cannot outlive us."""

import multiprocessing
import os
import runpy
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from multiprocessing.connection import wait
from pathlib import Path
from typing import Protocol

from dsaudit.attached import attached, ended, free_port, stop, tied

from . import databases
from .control import SampleError, call, poll

PROJECT = Path(__file__).resolve().parents[2]
BACKEND = Path(__file__).resolve().parent / "backend"
START_SECONDS = 60

# What the servers import and no fault edits: everything but the integration's own code.
PRELOADED = [
    "examples.storefront.source.application",
    "uvicorn.main",
    "uvicorn.lifespan.on",
    "uvicorn.protocols.http.h11_impl",
    "starlette.applications",
    "httpx",
    "greenlet",
    "psycopg",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.ext.asyncio",
    "sqlalchemy.orm",
]

Command = Callable[[int], list[str]]
Variables = Callable[[int], Mapping[str, str]]


class PortTaken(SampleError):
    """Another program took the port between the choice and the start; try again."""


class Running(Protocol):
    """A command that runs until it is stopped and that cannot outlive us."""

    def ended(self) -> bool: ...

    def stop(self) -> None: ...


class Started:
    """A command in an interpreter of its own."""

    def __init__(self, module: str, arguments: list[str], environment: Mapping[str, str], log: Path) -> None:
        command = [*tied("KILL"), sys.executable, "-m", module, *arguments]
        self.keeper = attached(command, log, environment=environment, folder=PROJECT)

    def ended(self) -> bool:
        return ended(self.keeper)

    def stop(self) -> None:
        stop(self.keeper)


class Forked:
    """The same command in a fork of a process that has imported the libraries: a start takes a fifth of the time.

    On Linux alone: elsewhere libraries may not bear a fork.
    """

    def __init__(self, module: str, arguments: list[str], environment: Mapping[str, str], log: Path) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(PRELOADED)
        given = (module, arguments, dict(environment), log)
        log.touch()
        self.process = context.Process(target=_run_module, args=given, daemon=True)
        self.process.start()

    def ended(self) -> bool:
        return self.process.exitcode is not None

    def stop(self) -> None:
        self.process.terminate()
        self.process.join()
        self.process.close()


class Process:
    """A server on a loopback port. It starts at once and `wait` says when it answers: several can start together."""

    def __init__(self, name: str, health: str, command: Command, variables: Variables, log: Path, often: bool) -> None:
        self.name, self.health, self.log = name, health, log
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        start = Forked if often and sys.platform == "linux" else Started
        module, *arguments = command(self.port)
        self.running: Running = start(module, arguments, {**surroundings(), **variables(self.port)}, log)

    def wait(self, token: str, seconds: float = START_SECONDS) -> None:
        """Wait until it answers. Raises SampleError with the end of its log."""
        for _ in poll(seconds):
            if self.running.ended():
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
        self.running.stop()


def _run_module(module: str, arguments: list[str], environment: dict[str, str], log: Path) -> None:
    """Be `python -m module`, in the process that was forked, as if it had been started with this environment."""
    os.setsid()  # Ctrl-C in the terminal must reach the parent only
    with log.open("ab") as file, Path(os.devnull).open("rb") as nothing:
        for ours, theirs in enumerate((nothing, file, file)):
            os.dup2(theirs.fileno(), ours)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(PROJECT)
    parent = multiprocessing.parent_process()
    assert parent is not None
    threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)


def start_source(data: Path, options: list[str], variables: Mapping[str, str], often: bool = False) -> Process:
    """The provider's side, on the objects in a file that is made if it is not there."""

    def command(port: int) -> list[str]:
        return ["examples.storefront.source", "--port", str(port), "--data", str(data), *options]

    return Process("source", "/_control/status", command, lambda _: variables, data.with_suffix(".log"), often)


def start_backend(log: Path, variables: Mapping[str, str], code: Path = BACKEND, often: bool = False) -> Process:
    """The integration, started the way its own developers do; `code` may be a copy of it."""

    def command(port: int) -> list[str]:
        server = ["uvicorn", "app.main:app", "--app-dir", str(code), "--host", "127.0.0.1"]
        return [*server, "--port", str(port), "--log-level", "warning", "--timeout-graceful-shutdown", "2"]

    def with_own_address(port: int) -> dict[str, str]:
        return {**variables, "PUBLIC_URL": f"http://127.0.0.1:{port}"}

    return Process("backend", "/healthz", command, with_own_address, log, often)


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
