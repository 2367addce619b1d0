"""Phases on a Dask cluster: the results are those of here, and what goes wrong there is told and never green."""

from __future__ import annotations

import json
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from distributed import Client, Security

from dsaudit import source
from dsaudit.attached import free_port
from dsaudit.parameters import load
from dsaudit.run import Options, Outcome, run
from dsaudit.run.record import EVENTS
from dsaudit.run.scheduler import CERTIFICATES
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
    lines: list[str] = []
    with ThreadPoolExecutor(1) as pool:
        given, options = load(shared.ledger.parameters), Options(dask=cluster.address)
        running = pool.submit(run, given, options, source.record, lines.append)
        kill_the_worker(cluster, kernel_at(held))
        outcome = running.result()
    assert lasting(outcome.result) == lasting(here) and outcome.result["problems"] == []
    assert lines.count("a worker was lost, 05_more is executed anew") == 1
    events = [json.loads(line) for line in (outcome.folder / "private" / EVENTS).read_text().splitlines()]
    assert [one["name"] for one in events if one["event"] == "lost"] == ["05_more"]


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
    words = ["run", str(shared.ledger.parameters), "--dask", cluster.address, "--jobs", "2"]
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


def test_a_scheduler_that_is_away_is_one_line_of_a_process_that_ends(shared: Project) -> None:
    address = f"tcp://127.0.0.1:{free_port()}"
    running = started("run", str(shared.ledger.parameters), "--dask", address)
    said = running.communicate(timeout=SECONDS)
    what = "no scheduler of Dask answers within 10 s; see that it runs and can be reached from here"
    assert (running.returncode, *said) == (3, "", f"--dask {address}: {what}\n")


def test_what_is_no_address_of_a_scheduler_is_refused_before_it_is_tried(shared: Project) -> None:
    port = free_port()
    for address in ("tcp://127.0.0.1", f"http://127.0.0.1:{port}", "nonsense://x", "scheduler", f"tcp://:{port}"):
        done = command("run", str(shared.ledger.parameters), "--dask", address)
        assert done.exit_code == 3
        how = "write it as tcp://HOST:PORT or tls://HOST:PORT"
        assert one_line(done) == f"--dask {address}: is no address of a scheduler; {how}"


def test_an_empty_address_is_refused_and_nothing_is_run_here(shared: Project, tmp_path: Path) -> None:
    file = str(shared.ledger.parameters)
    for words in (["--dask", ""], ["--dask="], [file, "--dask", " "], ["--each-tenant", "--dask", ""]):
        done = command("run", file, "--out", str(tmp_path), *words)
        assert done.exit_code == 3
        assert one_line(done).startswith("Error: --dask: the address is empty")
    assert [*tmp_path.iterdir()] == []


def test_who_answers_and_is_no_scheduler_is_told(shared: Project, cluster: Cluster) -> None:
    with Client(cluster.address, set_as_default=False) as client:
        address = next(iter(client.nthreads()))
    done = command("run", str(shared.ledger.parameters), "--dask", address)
    assert done.exit_code == 3
    assert one_line(done).startswith(f"--dask {address}: who answers there is no scheduler of Dask")


def test_over_tls_certificates_that_are_missing_or_not_accepted_are_told(
    shared: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, others = certificate(tmp_path / "ours"), certificate(tmp_path / "others")
    one = Cluster(tmp_path)
    try:
        words = ["--host", "tls://127.0.0.1", "--port", "0", "--dashboard-address", "127.0.0.1:0"]
        one.start("scheduler", *words, "--scheduler-file", str(tmp_path / "scheduler"), **of_tls("SCHEDULER", *ours))
        address = one.found()

        def said(**environment: str) -> str:
            with monkeypatch.context() as patch:
                for name, value in environment.items():
                    patch.setenv(name, value)
                running = started("run", str(shared.ledger.parameters), "--dask", address)
            out, line = running.communicate(timeout=SECONDS)
            assert (running.returncode, out) == (3, "")
            return line

        missing = f"--dask {address}: there are no certificates to connect with; {CERTIFICATES}\n"
        assert said() == missing
        absent = tmp_path / "absent"
        assert "certificates here cannot be read" in said(**of_tls("CLIENT", absent, absent))
        failing = said(**of_tls("CLIENT", *others))
        assert failing.startswith(f"--dask {address}: TLS fails (CERTIFICATE_VERIFY_FAILED)")
        assert failing.count("\n") == 1
        assert said(**of_tls("CLIENT", *ours)) == f"--dask {address}: the cluster has no worker; start one\n"
    finally:
        one.end()


def certificate(path: Path) -> tuple[Path, Path]:
    """Make a certificate that is its own authority, and its key."""
    made, found = Security.temporary(), (path.with_suffix(".crt"), path.with_suffix(".key"))
    found[0].write_text(made.tls_ca_file)
    found[1].write_text(made.tls_client_key)
    return found


def of_tls(role: str, certificate: Path, key: Path) -> dict[str, str]:
    """Return the variables by which Dask's configuration has a certificate for a role."""
    name = "DASK_DISTRIBUTED__COMM__TLS__"
    own = {f"{name}{role}__CERT": str(certificate), f"{name}{role}__KEY": str(key)}
    return {f"{name}CA_FILE": str(certificate), **own}


def test_without_dask_the_extra_is_named(shared: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    done = command("run", str(shared.ledger.parameters), "--dask", "tcp://127.0.0.1:8786")
    assert done.exit_code == 3
    assert one_line(done) == "--dask needs Dask here and on the cluster: pip install 'dsaudit[dask]'"
