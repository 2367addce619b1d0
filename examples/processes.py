"""The processes of a sample, as children that cannot outlive us."""

import compileall
import multiprocessing
import os
import runpy
import secrets
import shlex
import shutil
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from multiprocessing.connection import wait
from multiprocessing.util import Finalize, get_temp_dir
from pathlib import Path
from typing import Protocol, TypeVar

from dsaudit import server
from dsaudit.attached import attached, ended, free_port, private_folder, stop, tied
from examples import databases
from examples.control import SampleError, call, poll

Sample = TypeVar("Sample")
Stopped = TypeVar("Stopped", bound="Stoppable")

PROJECT = Path(__file__).resolve().parents[1]
START_SECONDS = 60
START_ATTEMPTS = 3
STOP_SECONDS = 10
MISLEADING = ("PG", "DSAUDIT_", "STOREFRONT_", "REFERRALS_", "HUNTER_", "DISCOVERY_", "LISTINGS_")

Command = Callable[[int], list[str]]
Variables = Callable[[int], Mapping[str, str]]


class PortTaken(SampleError):
    """Another program took the port between the choice and the start; try again."""


class Stoppable(Protocol):
    def stop(self) -> None: ...


class Running(Stoppable, Protocol):
    """A command that runs until it is stopped and that cannot outlive us."""

    def ended(self) -> bool: ...

    def kill(self) -> None:
        """End it at once, where nothing that it still does is wanted."""


class Started:
    """A command in an interpreter of its own."""

    def __init__(self, module: str, arguments: list[str], environment: Mapping[str, str], log: Path) -> None:
        command = [*tied("KILL"), sys.executable, "-m", module, *arguments]
        self.keeper = attached(command, log, environment=environment, folder=PROJECT)

    def ended(self) -> bool:
        return ended(self.keeper)

    def stop(self) -> None:
        stop(self.keeper)

    def kill(self) -> None:
        self.stop()


class Forked:
    """The same command in a fork of a process that has imported the libraries: a start takes a fifth of the time.

    On Linux alone: elsewhere libraries may not bear a fork.
    """

    def __init__(
        self, module: str, arguments: list[str], environment: Mapping[str, str], log: Path, preloaded: Sequence[str]
    ) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(list(preloaded))
        given = (module, arguments, dict(environment), log)
        log.touch()
        _socket_goes_with_us()
        self.process = context.Process(target=_run_module, args=given, daemon=True)
        self.process.start()

    def ended(self) -> bool:
        return self.process.exitcode is not None

    def stop(self) -> None:
        self.process.terminate()
        self.process.join(STOP_SECONDS)
        self.kill()

    def kill(self) -> None:
        self.process.kill()
        self.process.join()
        self.process.close()


def started(
    module: str,
    arguments: list[str],
    variables: Mapping[str, str],
    log: Path,
    preloaded: Sequence[str] | None = None,
) -> Running:
    """Run `python -m module`; where what it imports is given, in a fork that has imported it."""
    environment = {**surroundings(), **variables}
    if preloaded and sys.platform == "linux":
        return Forked(module, arguments, environment, log, preloaded)
    return Started(module, arguments, environment, log)


def uvicorn(code: Path) -> Command:
    """The command of an app's API, started the way its own developers do; `code` may be a copy of it."""

    def command(port: int) -> list[str]:
        words = ["uvicorn", "app.main:app", "--app-dir", str(code), "--host", "127.0.0.1", "--port", str(port)]
        return [*words, "--no-access-log", "--log-level", "warning", "--timeout-graceful-shutdown", "2"]

    return command


class Process:
    """A server on a loopback port. It starts at once and `wait` says when it answers: several can start together."""

    def __init__(
        self,
        name: str,
        health: str,
        command: Command,
        variables: Variables,
        log: Path,
        preloaded: Sequence[str] | None = None,
        port: int | None = None,
        output: Path | None = None,
    ) -> None:
        """`output` takes what the process prints, where it writes its log by itself."""
        self.name, self.health, self.logs = name, health, [log, *filter(None, [output])]
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        module, *arguments = command(self.port)
        self.running = started(module, arguments, variables(self.port), self.logs[-1], preloaded)

    def wait(self, token: str, seconds: float = START_SECONDS) -> None:
        """Wait until it answers. Raises SampleError with the end of its log."""
        for _ in poll(seconds):
            if self.running.ended():
                break
            if self._answers(token):
                return
        raise not_started(self.name, *self.logs)

    def _answers(self, token: str) -> bool:
        try:
            call(self.url + self.health, token)
        except SampleError:
            return False
        return True

    def stop(self) -> None:
        self.running.stop()


@cache
def _socket_goes_with_us() -> None:
    """Let the folder go in which the forking process is reached, however this process ends."""
    folder = shlex.quote(get_temp_dir())
    keeper = attached([":"], Path(os.devnull), before="false", after=f"rm -rf {folder}")
    # After multiprocessing has removed the folder itself, which has the priority -100.
    Finalize(None, stop, args=(keeper,), exitpriority=-200)


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


def surroundings() -> dict[str, str]:
    """Our environment without what would point a process to another database or another sample."""
    return {name: value for name, value in os.environ.items() if not name.startswith(MISLEADING)}


def not_started(name: str, *logs: Path) -> SampleError:
    """What to raise of a process that did not start, with the end of its logs."""
    told = " | ".join(end_of(log) for log in logs if log.exists())
    problem = PortTaken if "address already in use" in told.lower() else SampleError
    return problem(f"the {name} did not start; the end of its log: {told}")


def end_of(log: Path) -> str:
    return " | ".join(log.read_text(errors="replace").splitlines()[-5:])


@contextmanager
def on_free_ports(example: str, start: Callable[[ExitStack, Path], Sample]) -> Iterator[Sample]:
    """Start a sample in a folder of its own, and again if another program was quicker to take one of its ports."""
    for attempt in range(START_ATTEMPTS):
        with ExitStack() as stack:
            try:
                sample = start(stack, stack.enter_context(private_folder(f"dsaudit-{example}-")))
            except PortTaken:
                if attempt == START_ATTEMPTS - 1:
                    raise
                continue
            yield sample
            return


def until_closed(stack: ExitStack, process: Stopped) -> Stopped:
    stack.callback(process.stop)
    return process


def postgresql(stack: ExitStack, example: str, *applications: str) -> tuple[str, str]:
    """A PostgreSQL server until the stack is closed; return its URL, and what the names in it have to end with.

    On somebody's own server nothing of ours may bear a name that is there already, or stay.
    """
    postgres = stack.enter_context(server.running())
    if postgres.binaries:
        return postgres.url, ""
    suffix = f"_{secrets.token_hex(4)}"
    stack.callback(databases.drop_roles, postgres.url, suffix, *applications)
    stack.callback(databases.drop, postgres.url, f"{example}{suffix}_start", f"{example}{suffix}")
    return postgres.url, suffix


def copied_project(folder: Path, example: str, parameter_file: str) -> Path:
    """Copy what a fault may edit to the places that it has in the project, and nothing else; return the backend."""
    parameters, backend = Path("parameters") / parameter_file, Path("examples") / example / "backend"
    (folder / parameters).parent.mkdir(exist_ok=True)
    shutil.copy2(PROJECT / parameters, folder / parameters)
    compileall.compile_dir(PROJECT / backend, quiet=2)  # once, and not in each copy
    shutil.rmtree(folder / backend, ignore_errors=True)
    return shutil.copytree(PROJECT / backend, folder / backend)
