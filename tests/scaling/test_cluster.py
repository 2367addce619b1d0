"""Phases on a Dask cluster: the results are those of here, and what goes wrong there is told and never green."""

from __future__ import annotations

import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from dsaudit import source
from dsaudit.attached import free_port
from dsaudit.parameters import load
from dsaudit.run import Options, Outcome, run
from dsaudit.run import cluster as runs_cluster
from tests.run.conftest import Project
from tests.run.test_run import command, one_line
from tests.scaling.conftest import (
    SECONDS,
    Cluster,
    cluster_in,
    kernel_at,
    kill_the_worker,
    lasting,
    started,
    wait_for,
    waits,
)

pytestmark = pytest.mark.xdist_group("scaling_cluster")
Told = dict[str, Any]


def test_a_run_on_a_cluster_has_the_results_of_one_here(shared: Project, cluster: Cluster, here: Told) -> None:
    there = shared.run(dask=cluster.address).result
    assert there["digest"] == here["digest"] != ""
    assert lasting(there) == lasting(here)
    secrets = [shared.ledger.environment["LEDGER_URL"].split(":")[2].split("@")[0], there["run"]["nonce"]]
    assert not any(secret in cluster.log() for secret in secrets)


def test_a_phase_whose_worker_is_killed_is_executed_on_another(
    shared: Project, cluster: Cluster, here: Told, held: Path
) -> None:
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(shared.run, dask=cluster.address)
        kill_the_worker(cluster, kernel_at(held))
        outcome = running.result()
    assert outcome.result["digest"] == here["digest"] and outcome.result["problems"] == []


def test_a_phase_that_acts_is_not_begun_twice_and_the_run_is_not_green(
    shared: Project, cluster: Cluster, held: Path
) -> None:
    acted, path = shared.root / "acted", shared.root / "parameters" / "acting.yml"
    start = f"  run: {{wait_seconds: 0.1, command: [touch, '{acted}']}}\n"
    path.write_text(shared.ledger.parameters.read_text().replace("syncs:\n", f"syncs:\n{start}"), encoding="utf-8")
    shared.notebook("06_acting", [waits(shared), "audit.check('syncs_started_now_complete')"])

    def acting() -> Outcome:
        given, options = load(path).allowed_to_act(), Options(dask=cluster.address, phases=["6"])
        return run(given, options, source.record, lambda line: None)

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(acting)
        kill_the_worker(cluster, kernel_at(held))
        result = running.result().result
    (shared.root / "notebooks" / "datasource" / "06_acting.ipynb").unlink()
    why = "06_acting did not reach its end: its worker was lost while it acted, and it is not begun twice"
    assert result["decision"] == "INCONCLUSIVE" and why in result["problems"]
    assert not acted.exists()


def test_what_was_submitted_ends_with_ctrl_c_and_can_be_gone_on_with(
    shared: Project, cluster: Cluster, here: Told, held: Path
) -> None:
    words = ["run", str(shared.ledger.parameters), "--dask", cluster.address]
    running = started(*words)
    kernel = kernel_at(held)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=SECONDS)
    kernel.wait(SECONDS)
    (folder,) = (shared.root / "reports" / "ledger" / "unfinished").iterdir()
    assert running.returncode == 3
    assert said.strip() == f"stopped; go on with: dsaudit {' '.join(words)} --resume {folder}"
    assert shared.run(resume=folder).result["digest"] == here["digest"]


def test_a_run_whose_scheduler_is_lost_says_how_to_go_on(shared: Project, held: Path, tmp_path: Path) -> None:
    with cluster_in(tmp_path, 1) as one:
        running = started("run", str(shared.ledger.parameters), "--dask", one.address, "--out", str(tmp_path / "out"))
        kernel = kernel_at(held)
        one.processes[0].kill()
        _, said = running.communicate(timeout=SECONDS)
        kernel.wait(SECONDS)
    lost, how = said.strip().splitlines()
    assert (running.returncode, lost) == (3, "the connection to the cluster's scheduler was lost")
    assert how.startswith("go on with: dsaudit run ") and Path(how.split()[-1]).is_dir()


# What keeps it from starting


def test_a_worker_that_lacks_something_is_named_with_what_to_do(
    shared: Project, cluster: Cluster, tmp_path: Path
) -> None:
    (tmp_path / "dsaudit.py").touch()
    cases = {
        "cannot begin (ModuleNotFoundError); install the same dsaudit[dask] there": {"PYTHONPATH": str(tmp_path)},
        "LEDGER_URL is not set there; secrets come from a worker's own environment": {"LEDGER_URL": ""},
        "masks under another key; set DSAUDIT_MASK_KEY to the same secret": {"DSAUDIT_MASK_KEY": "another"},
        "does not read the run's database at its instant: LEDGER_URL: ": {"LEDGER_URL": "postgresql://x@127.0.0.1:1/x"},
    }
    workers = [cluster.worker(**environment) for environment in cases.values()]
    wait_for(cluster, 2 + len(workers))
    done = command("run", str(shared.ledger.parameters), "--dask", cluster.address)
    for worker in workers:
        worker.terminate()
        worker.wait()
    wait_for(cluster, 2)
    lines = done.output.strip().splitlines()
    assert done.exit_code == 3 and len(lines) == len(cases)
    assert all(line.startswith("worker tcp://127.0.0.1:") for line in lines)
    assert all(any(words in line for line in lines) for words in cases), lines
    assert not (shared.root / "reports" / "ledger" / "unfinished").exists()


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
    monkeypatch.setattr(runs_cluster, "CONNECTING_SECONDS", 1)
    for address in (f"tcp://127.0.0.1:{free_port()}", "nonsense://x"):
        done = command("run", str(shared.ledger.parameters), "--dask", address)
        assert done.exit_code == 3
        assert one_line(done).startswith(f"--dask {address}: no scheduler of Dask answers within 1 s")


def test_without_dask_the_extra_is_named(shared: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    done = command("run", str(shared.ledger.parameters), "--dask", "tcp://127.0.0.1:8786")
    assert done.exit_code == 3
    assert one_line(done) == "--dask needs Dask here and on the cluster: pip install 'dsaudit[dask]'"
