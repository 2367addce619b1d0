"""A cluster of two workers on loopback, and a ledger that both they and the tests can reach."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from dsaudit import server
from examples.control import poll
from tests import ledger
from tests.run.conftest import Project, project_of

ROOT = Path(__file__).parents[2]
SECONDS = 120
VOLATILE = {"id", "nonce", "started", "ended", "run", "time", "seconds", "sha256", "history", "changes", "since"}


@dataclass
class Cluster:
    """A scheduler and its workers, each a process without a nanny: what is killed stays away."""

    folder: Path
    address: str = ""
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, *words: str, **environment: str) -> subprocess.Popen[bytes]:
        """Start a part of the cluster with these variables beside those of the tests."""
        log = (self.folder / f"{len(self.processes)}.log").open("wb")
        with log:
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", *words],
                cwd=self.folder,
                env={
                    **os.environ,
                    "PYTHONPATH": str(ROOT),
                    "DASK_TEMPORARY_DIRECTORY": str(self.folder),
                    **environment,
                },
                stdout=log,
                stderr=log,
            )
        self.processes.append(process)
        return process

    def worker(self, **environment: str) -> subprocess.Popen[bytes]:
        """Start a worker of one thread."""
        words = ["--no-nanny", "--nthreads", "1", "--no-dashboard", "--host", "127.0.0.1"]
        return self.start("worker", self.address, *words, **environment)

    def found(self) -> str:
        """Wait for the scheduler, whose file is `scheduler`, and return its address."""
        for _ in poll(SECONDS, pause=0.1):
            path = self.folder / "scheduler"
            if path.exists() and (text := path.read_text(encoding="utf-8")):
                self.address = json.loads(text)["address"]
                return self.address
        raise AssertionError(f"the scheduler did not start:\n{self.log()}")

    def end(self) -> None:
        """End all parts by their ids."""
        for process in reversed(self.processes):
            process.kill()
        for process in self.processes:
            process.wait()

    def log(self) -> str:
        """All that scheduler and workers have logged."""
        return "\n".join(path.read_text(encoding="utf-8") for path in sorted(self.folder.glob("*.log")))


@contextlib.contextmanager
def cluster_in(folder: Path, workers: int, **environment: str) -> Iterator[Cluster]:
    """Start a scheduler and workers, and end them, by their ids, after the block."""
    one = Cluster(folder)
    try:
        words = ["--host", "127.0.0.1", "--port", "0", "--dashboard-address", "127.0.0.1:0"]
        one.start("scheduler", *words, "--scheduler-file", str(folder / "scheduler"))
        one.found()
        for _ in range(workers):
            one.worker(**environment)
        wait_for(one, workers)
        yield one
    finally:
        one.end()


def wait_for(one: Cluster, workers: int) -> None:
    """Wait until there are so many workers, and no more."""
    from distributed import Client

    with Client(one.address, set_as_default=False) as client:
        for _ in poll(SECONDS, pause=0.1):
            if len(client.nthreads()) == workers:
                return
    raise AssertionError(f"there are not {workers} workers:\n{one.log()}")


def lasting(node: Any) -> Any:
    """Return what a result has in common with that of another run of the same."""
    if isinstance(node, dict):
        return {name: lasting(value) for name, value in node.items() if name not in VOLATILE}
    return [lasting(one) for one in node] if isinstance(node, (list, tuple)) else node


def started(*words: str) -> subprocess.Popen[str]:
    """Start dsaudit in a process of its own, which can be stopped."""
    return subprocess.Popen(
        [sys.executable, "-c", "from dsaudit.cli import main; main()", *words],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def kernel_at(path: Path) -> psutil.Process:
    """Wait for the phase that makes the file, and return its kernel."""
    for _ in poll(SECONDS, pause=0.1):
        if path.exists() and (text := path.read_text(encoding="utf-8")):
            return psutil.Process(int(text))
    raise AssertionError("the phase did not begin")


def kill_the_worker(one: Cluster, kernel: psutil.Process) -> None:
    """Kill the worker that has the kernel, and start another in its place."""
    ids = {process.pid for process in kernel.parents()}
    (worker,) = [process for process in one.processes if process.pid in ids]
    worker.kill()
    worker.wait()
    kernel.wait(SECONDS)  # it ends with its worker
    one.worker()
    wait_for(one, 2)


WAITS = """import os, pathlib, time
held = pathlib.Path(FOLDER) / 'held'
try:
    held.with_name('hold').rename(held)
except FileNotFoundError:
    pass
else:
    held.write_text(str(os.getpid()))
    time.sleep(600)"""


@contextlib.contextmanager
def working_in(url: str, folder: Path) -> Iterator[ledger.Ledger]:
    """Make a ledger, and work in its folder and with its variables for as long as the block."""
    with ledger.running(url, folder) as one, pytest.MonkeyPatch.context() as patch:
        for name, value in one.environment.items():
            patch.setenv(name, value)
        patch.chdir(one.folder)
        yield one


@pytest.fixture(scope="package")
def shared(postgres: server.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project in a folder that all processes see; the second of its two phases waits where it is told to."""
    folder = tmp_path_factory.mktemp("project") / "ledger"
    with working_in(postgres.url, folder) as one:
        made = project_of(one)
        made.notebook("04_once", ["audit.check('one_refined_row_per_source_id')"])
        made.notebook("05_more", ["audit.check('parents_have_their_children')", waits(made), "audit.check('orphans')"])
        yield made


def waits(one: Project) -> str:
    """A cell that waits for its end if there is a file `hold`, which becomes `held` and holds its process id."""
    return WAITS.replace("FOLDER", repr(str(one.root)))


@pytest.fixture(scope="package")
def here(shared: Project) -> dict[str, Any]:
    """The result of the project where it is not run on a cluster."""
    return shared.run().result


@pytest.fixture
def held(shared: Project) -> Iterator[Path]:
    """The file that the second phase makes in its middle, where it waits for its end; the next time it does not."""
    (shared.root / "hold").touch()
    yield shared.root / "held"
    for name in ("hold", "held"):
        (shared.root / name).unlink(missing_ok=True)


@pytest.fixture(scope="package")
def cluster(shared: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster of two workers, which have the variables of the ledger."""
    with cluster_in(tmp_path_factory.mktemp("cluster"), 2) as one:
        yield one
