"""Long lists on a Dask cluster: compared before the phases, and what goes wrong with that changes no result."""

from __future__ import annotations

import contextlib
import json
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from dsaudit import server
from dsaudit.reconcile.settled import STRAIGHT
from examples.control import poll
from tests.run.conftest import Project, project_of
from tests.scaling.conftest import SECONDS, Cluster, cluster_in, lasting, started, wait_for, working_in

pytestmark = pytest.mark.xdist_group("scaling_cluster")
MANY = 3 * STRAIGHT
FILL = """insert into ledger."Member" (org, code, "Full Name", joined, changed)
select 'N', 'm-' || g, 'name ' || g, '2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z' from generate_series(1, %s) as g"""
DAMAGE = """update ledger."Member" set "Full Name" = 'another' where code in ('m-7', 'm-20000');
delete from ledger."Member" where code = 'm-8';
insert into ledger."Member" (org, code, changed) values ('N', 'm-0', '2026-01-01T00:00:00Z')"""
# Each phase begins with this: where the test says so, it waits for what it asks for, and does without after a minute.
WAITS = """import pathlib, time
root, private = pathlib.Path(ROOT), audit.private
def compared():
    return any(b'\\n' in path.read_bytes() for path in private.glob('segments/*.json'))
for _ in range(600):
    if not ((root / 'closed').exists() or (root / 'beforehand').exists() and not compared()):
        break
    time.sleep(0.1)
assert compared() or not (root / 'beforehand').exists()"""
PHASES = {
    "04_once": ["one_refined_row_per_source_id", "refined_missing_at_source"],
    "05_accuracy": ["field_differences"],
    "06_more": ["source_missing_in_refined"],
}
Told = dict[str, Any]


@pytest.fixture(scope="module")
def long(postgres: server.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project one of whose lists is long, with a few records that differ; three phases look at them."""
    folder = tmp_path_factory.mktemp("long") / "ledger"
    with working_in(postgres.url, folder) as one:
        one.execute(FILL, MANY)
        one.execute(DAMAGE)
        time = "2026-01-01T00:00:00Z"
        with (folder / "export" / "north" / "members.jsonl").open("a", encoding="utf-8") as file:
            for g in range(1, MANY + 1):
                record = {"code": f"m-{g}", "name": f"name {g}", "joined": time, "changed": time}
                file.write(json.dumps(record) + "\n")
        made = project_of(one)
        for name, checks in PHASES.items():
            cells = [WAITS.replace("ROOT", repr(str(one.folder))), *(f"audit.check({check!r})" for check in checks)]
            made.notebook(name, cells)
        yield made


@pytest.fixture(scope="module")
def alone(long: Project) -> tuple[Told, dict[str, str]]:
    """The result of the project, and the rows, where it is not run on a cluster."""
    return told(long.run())


@pytest.fixture
def beforehand(long: Project) -> Iterator[None]:
    """Phases do nothing before a list has been compared, and break off if none is."""
    (long.root / "beforehand").touch()
    yield
    (long.root / "beforehand").unlink()


@pytest.fixture
def closed(long: Project) -> Iterator[Path]:
    """The file for as long as which phases do nothing."""
    path = long.root / "closed"
    path.touch()
    yield path
    path.unlink(missing_ok=True)


def told(outcome: Any) -> tuple[Told, dict[str, str]]:
    """Return what lasts of a run's result, and the rows that it found."""
    rows = sorted(outcome.folder.glob("private/rows/*.jsonl"))
    return outcome.result, {path.name: path.read_text(encoding="utf-8") for path in rows}


def kept(folder: Path) -> list[Any]:
    """Return what came of each segment of a run, None where nothing did."""
    texts = [path.read_text(encoding="utf-8") for path in (folder / "private" / "segments").iterdir()]
    return [json.loads(text.partition("\n")[2] or "null") for text in texts]


def same(one: tuple[Told, dict[str, str]], other: tuple[Told, dict[str, str]]) -> bool:
    return one[0]["digest"] == other[0]["digest"] and lasting(one[0]) == lasting(other[0]) and one[1] == other[1]


@pytest.mark.parametrize("workers", [1, 4])  # two are those of the other tests
def test_they_are_compared_there_before_the_phases_with_the_results_of_here(
    long: Project, alone: tuple[Told, dict[str, str]], beforehand: None, tmp_path: Path, workers: int
) -> None:
    with cluster_in(tmp_path, workers) as one:
        outcome = long.run(dask=one.address)
        log = one.log()
    assert alone[0]["decision"] == "NO-GO" and alone[0]["problems"] == []
    assert same(told(outcome), alone)
    # Of the members one tenant's list is long, and the other's goes with no other: no list was compared twice.
    differing = [["north", key] for key in ("m-0", "m-20000", "m-7", "m-8")]
    assert sorted(kept(outcome.folder), key=len) == [[], differing]
    assert not (outcome.folder / "private" / "lists.json").exists()
    assert "Traceback" not in log and "north" not in log


def segment_of(one: Cluster) -> psutil.Process:
    """Wait for the process in which a worker compares lists, and return it."""
    for _ in poll(SECONDS, pause=0.01):
        for worker in one.processes[1:]:
            for process in psutil.Process(worker.pid).children() if worker.poll() is None else ():
                if process.cmdline()[-2:] == ["dsaudit.cli.apart", "segments"]:
                    return process
    raise AssertionError("no list was compared")


def stopped_in_its_middle(long: Project, one: Cluster) -> psutil.Process:
    """Stop the process that compares lists while it compares the first."""
    process = segment_of(one)
    for _ in poll(SECONDS, pause=0.002):
        if found := [*(long.root / "reports" / "ledger" / "unfinished").glob("*/private/segments/*.json")]:
            process.suspend()
            assert found[0].read_bytes() == b""
            return process
    raise AssertionError("the comparison did not begin")


def test_one_whose_worker_is_killed_is_compared_all_the_same(
    long: Project, alone: tuple[Told, dict[str, str]], closed: Path, tmp_path: Path
) -> None:
    with cluster_in(tmp_path, 2) as one, ThreadPoolExecutor(1) as pool:
        running = pool.submit(long.run, dask=one.address)
        process = stopped_in_its_middle(long, one)
        (worker,) = [worker for worker in one.processes if worker.pid == process.ppid()]
        worker.kill()
        worker.wait()
        process.kill()  # as if the machine were gone
        one.worker()
        wait_for(one, 2)
        closed.unlink()
        outcome = running.result()
    assert same(told(outcome), alone)
    assert len([found for found in kept(outcome.folder) if found]) == 1


# A column of which one value is made of something else, by whoever reads all rows.
SEEN = """alter table ledger."Member" rename to members;
create view ledger."Member" as
select org, code, case when code = 'm-9' then (VALUE)::text else "Full Name" end as "Full Name",
  joined, changed, void, stored from ledger.members;
do $$ begin execute (select format('grant select on ledger."Member" to %I', grantee)
  from information_schema.role_table_grants where table_name = 'invoice' and grantee like 'reader%'); end $$"""
AS_BEFORE = """select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'dsaudit/segments';
drop view ledger."Member"; alter table ledger.members rename to "Member\""""


@contextlib.contextmanager
def seen(long: Project, value: str) -> Iterator[None]:
    """Have one value be that of an expression for as long as the block."""
    long.ledger.execute(SEEN.replace("VALUE", value))
    try:
        yield
    finally:
        long.ledger.execute(AS_BEFORE)


def test_what_is_left_of_them_ends_with_ctrl_c(long: Project, closed: Path, tmp_path: Path) -> None:
    with seen(long, "pg_sleep(600)"), cluster_in(tmp_path, 2) as one:
        running = started("run", str(long.ledger.parameters), "--dask", one.address, "--out", str(tmp_path))
        process = segment_of(one)
        assert any([*tmp_path.glob("*/unfinished/*/private/segments/*.json")] for _ in poll(SECONDS, pause=0.1))
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=SECONDS)
        process.wait(SECONDS)
    (folder,) = tmp_path.glob("*/unfinished/*")
    assert running.returncode == 3 and said.startswith("stopped; go on with: dsaudit run ")
    assert kept(folder) == [None]


def test_an_error_in_one_is_told_by_the_phase_that_needs_it(long: Project, closed: Path, tmp_path: Path) -> None:
    with seen(long, "1 / (length(code) - 3)"):
        with cluster_in(tmp_path, 2) as one, ThreadPoolExecutor(1) as pool:
            running = pool.submit(long.run, dask=one.address)
            segment_of(one).wait(SECONDS)
            assert running.running()  # it does not mind
            closed.unlink()
            outcome = running.result()
        here = told(long.run())
    (verdict,) = [one for one in outcome.result["verdicts"] if one["check"] == "field_differences"]
    assert verdict["status"] == "inconclusive" and "division by zero" in verdict["results"][0]["reason"]
    assert same(told(outcome), here)
    assert kept(outcome.folder) == [None]
