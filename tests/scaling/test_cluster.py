"""Phases on a Dask cluster: the results are those of here, and what goes wrong there is told and never green."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from dsaudit import source
from dsaudit.attached import free_port
from dsaudit.parameters import load
from dsaudit.run import Options, Outcome, run
from dsaudit.run import cluster as running
from examples.control import poll
from tests.run.conftest import Project
from tests.run.test_run import command, one_line
from tests.scaling.conftest import SECONDS, Cluster, wait_for

pytestmark = pytest.mark.xdist_group("scaling_cluster")
CHECKS = ["audit.check('parents_have_their_children')", "audit.check('orphans')"]


@pytest.fixture
def middle(shared: Project) -> Iterator[Path]:
    """A file that a third phase makes, with its process id, to wait there for its end the first time; then it runs."""
    path = shared.root / "in the middle"
    waits = f"""import os, pathlib, time
path = pathlib.Path({str(path)!r})
while not path.exists() or path.read_text() == str(os.getpid()):
    path.exists() or path.with_suffix('.draft').write_text(str(os.getpid())) and path.with_suffix('.draft').rename(path)
    time.sleep(0.05)"""
    shared.notebook("05_more", [CHECKS[0], waits, CHECKS[1]])
    shared.notebook("04_once", ["audit.check('one_refined_row_per_source_id')"])
    yield path
    path.unlink(missing_ok=True)
    (shared.root / "notebooks" / "datasource" / "05_more.ipynb").unlink()


def kernel_at(path: Path) -> psutil.Process:
    """Wait for the phase that makes the file, and return its kernel."""
    for _ in poll(SECONDS, pause=0.1):
        if path.exists():
            return psutil.Process(int(path.read_text()))
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


def test_a_run_on_a_cluster_has_the_results_of_one_here(shared: Project, cluster: Cluster) -> None:
    here, there = shared.run().result, shared.run(dask=cluster.address).result
    volatile = {"id", "nonce", "started", "ended", "run", "time", "seconds", "sha256", "history", "changes", "digest"}

    def without_times(node: Any) -> Any:
        if isinstance(node, dict):
            return {name: without_times(value) for name, value in node.items() if name not in volatile}
        return [without_times(one) for one in node] if isinstance(node, list) else node

    assert there["digest"] == here["digest"] != ""
    assert without_times(there) == without_times(here)
    secrets = [shared.ledger.environment["LEDGER_URL"].split(":")[2].split("@")[0], there["run"]["nonce"]]
    assert not any(secret in cluster.log() for secret in secrets)


def test_a_phase_whose_worker_is_killed_is_executed_on_another(shared: Project, cluster: Cluster, middle: Path) -> None:
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(shared.run, dask=cluster.address)
        kill_the_worker(cluster, kernel_at(middle))
        outcome = running.result()
    assert outcome.result["problems"] == []
    assert outcome.result["digest"] == shared.run().result["digest"]
    assert [path.name for path in (outcome.folder / "private" / "attempts").rglob("*.ipynb")] == []


def test_a_phase_that_acts_is_not_begun_twice_and_the_run_is_not_green(
    shared: Project, cluster: Cluster, middle: Path
) -> None:
    acted, path = shared.root / "acted", shared.root / "parameters" / "acting.yml"
    start = f"  run: {{wait_seconds: 0.1, command: [touch, '{acted}']}}\n"
    path.write_text(shared.ledger.parameters.read_text().replace("syncs:\n", f"syncs:\n{start}"), encoding="utf-8")
    notebook = shared.root / "notebooks" / "datasource" / "05_more.ipynb"
    notebook.write_text(notebook.read_text().replace("orphans", "syncs_started_now_complete"), encoding="utf-8")

    def acting() -> Outcome:
        given = load(path).allowed_to_act()
        return run(given, Options(dask=cluster.address), source.record, lambda line: None)

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(acting)
        kill_the_worker(cluster, kernel_at(middle))
        result = running.result().result
    why = "05_more did not reach its end: its worker was lost while it acted, and it is not begun twice"
    assert result["decision"] == "INCONCLUSIVE" and why in result["problems"]
    assert not acted.exists()


def test_what_was_submitted_ends_with_ctrl_c_and_is_gone_on_with(
    shared: Project, cluster: Cluster, middle: Path
) -> None:
    words = ["run", str(shared.ledger.parameters), "--dask", cluster.address]
    started = subprocess.Popen(
        [sys.executable, "-c", "from dsaudit.cli import main; main()", *words],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stderr=subprocess.PIPE,
        text=True,
    )
    kernel = kernel_at(middle)
    started.send_signal(2)
    _, said = started.communicate(timeout=SECONDS)
    kernel.wait(SECONDS)
    (folder,) = (shared.root / "reports" / "ledger" / "unfinished").iterdir()
    assert started.returncode == 3
    assert said.strip() == f"stopped; go on with: dsaudit {' '.join(words)} --resume {folder}"
    middle.write_text("was here")
    result = shared.run(dask=cluster.address, resume=folder).result
    assert result["digest"] == shared.run().result["digest"] and result["problems"] == []


# What keeps it from starting


def test_a_worker_that_lacks_something_is_named_with_what_to_do(
    shared: Project, cluster: Cluster, tmp_path: Path
) -> None:
    cases = [
        ({"LEDGER_URL": ""}, "LEDGER_URL is not set there; secrets come from a worker's own environment"),
        ({"DSAUDIT_MASK_KEY": "another"}, "masks under another key; set DSAUDIT_MASK_KEY to the same secret"),
        ({"LEDGER_URL": "postgresql://nobody@127.0.0.1:1/x"}, "does not read the run's database at its instant: LEDG"),
    ]
    before = sorted((shared.root / "reports" / "ledger").glob("*"))
    for environment, words in cases:
        worker = cluster.worker(**environment)
        wait_for(cluster, 3)
        said = one_line(command("run", str(shared.ledger.parameters), "--dask", cluster.address))
        assert said.startswith("worker tcp://127.0.0.1:") and words in said
        worker.terminate()
        worker.wait()
        wait_until(cluster, 2)
    assert sorted((shared.root / "reports" / "ledger").glob("*")) == before


def wait_until(one: Cluster, workers: int) -> None:
    """Wait until there are no more workers than these."""
    from distributed import Client

    with Client(one.address, set_as_default=False) as client:
        for _ in poll(SECONDS, pause=0.1):
            if len(client.nthreads()) <= workers:
                return
    raise AssertionError("the worker did not go")


@pytest.mark.skipif(sys.platform != "linux", reason="namespaces and setpriv are Linux's")
def test_a_folder_that_workers_do_not_see_is_told(shared: Project, cluster: Cluster, tmp_path: Path) -> None:
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        out = f"/proc/self/fd/{folder}"  # which leads to it in this process alone
        done = command("run", str(shared.ledger.parameters), "--dask", cluster.address, "--out", out)
    finally:
        os.close(folder)
    assert done.exit_code == 3
    lines = done.output.strip().splitlines()
    assert len(lines) == 2 and all("does not see the run's folder, or cannot write there" in line for line in lines)
    assert [*tmp_path.iterdir()] == []


def test_a_scheduler_that_is_away_is_one_line(shared: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "CONNECTING_SECONDS", 1)
    for address in (f"tcp://127.0.0.1:{free_port()}", "nonsense://x"):
        done = command("run", str(shared.ledger.parameters), "--dask", address)
        assert done.exit_code == 3
        assert one_line(done).startswith(f"--dask {address}: no scheduler of Dask answers within 1 s")


def test_without_dask_the_extra_is_named(shared: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    done = command("run", str(shared.ledger.parameters), "--dask", "tcp://127.0.0.1:8786")
    assert done.exit_code == 3
    assert one_line(done) == "--dask needs Dask here and on the cluster: pip install 'dsaudit[dask]'"
