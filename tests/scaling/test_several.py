"""Several audits in one command: each with its report, one index over all of them, and none that hides another."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dsaudit.run.several import Audit
from tests.report.reading import OURS, Page
from tests.run.conftest import Project
from tests.run.test_run import DAMAGE, command
from tests.scaling.conftest import SECONDS, Cluster, kernel_at, kill_the_worker, started

pytestmark = pytest.mark.xdist_group("scaling_cluster")


@pytest.fixture(scope="module")
def damaged(shared: Project) -> Iterator[Project]:
    """The project, one tenant of which fails; beside its file one that has a mistake."""
    shared.ledger.execute(DAMAGE)
    broken = shared.ledger.parameters.with_name("broken.yml")
    broken.write_text(shared.ledger.parameters.read_text().replace("policy:", "polizy:"), encoding="utf-8")
    yield shared
    broken.unlink()
    shared.ledger.execute(DAMAGE.replace("true", "false"))


@pytest.mark.parametrize(
    ("polite", "jobs", "share", "phases"),
    [(False, None, 4, 4), (True, None, 4, 1), (True, 8, 4, 4), (False, None, None, 1)],
)
def test_what_is_read_politely_runs_one_phase_at_a_time_unless_jobs_are_given(
    polite: bool, jobs: int | None, share: int | None, phases: int
) -> None:
    assert Audit(Path("parameters/ledger.yml"), [], polite=polite).at_once(jobs, share) == phases


def index_in(out: Path) -> dict[str, Any]:
    return dict(json.loads((out / "index.json").read_text(encoding="utf-8")))


def test_a_file_that_cannot_be_audited_hides_no_other_and_is_not_green(damaged: Project, tmp_path: Path) -> None:
    files = ["parameters/broken.yml", "parameters/ledger.yml", "parameters/absent.yml"]
    done = command("run", *files, "--tenant", "south", "--out", str(tmp_path))
    index = index_in(tmp_path)
    assert (done.exit_code, index["decision"]) == (2, "INCONCLUSIVE"), done.output
    broken, good, absent = index["audits"]
    assert [one["decision"] for one in (broken, good, absent)] == [None, "GO", None]
    assert "parameters/broken.yml:" in broken["reasons"][0] and "polizy: unknown key" in broken["reasons"][0]
    assert "there is no such parameter file" in absent["reasons"][0]
    assert good["headline"] == "GO for a part only: south" and good["seal"] in done.output
    assert (tmp_path / good["report"]).is_file()
    page = Page((tmp_path / "index.html").read_text(encoding="utf-8"))
    assert [one.attributes["href"] for one in page.elements if one.tag == "a"][1:] == [good["report"]]
    assert {one.tag for one in page.elements} <= OURS
    assert all(any(file in word for word in page.words) for file in files)
    assert page.having("banner", "ds-inconclusive")
    assert {path.name for path in tmp_path.iterdir()} == {"index.html", "index.json", "ledger"}


def test_where_none_could_start_nothing_is_decided(damaged: Project, tmp_path: Path) -> None:
    done = command("run", "parameters/broken.yml", "parameters/absent.yml", "--out", str(tmp_path))
    assert (done.exit_code, index_in(tmp_path)["decision"]) == (3, None)


def test_each_tenant_is_audited_by_itself_here_as_on_a_cluster_that_loses_a_worker(
    damaged: Project, cluster: Cluster, held: Path, tmp_path: Path
) -> None:
    words = ["run", "parameters/ledger.yml", "--each-tenant", "--jobs", "2"]
    running = started(*words, "--out", str(tmp_path / "there"), "--dask", cluster.address)
    kill_the_worker(cluster, kernel_at(held))
    _, said = running.communicate(timeout=SECONDS)
    here = command(*words, "--out", str(tmp_path / "here"))
    assert (here.exit_code, running.returncode) == (1, 1), said
    assert re.fullmatch(r"a worker was lost, parameters/ledger.yml, (north|south) is audited anew\n", said)
    told = [
        [(one["tenant"], one["decision"], one["digest"]) for one in index_in(tmp_path / where)["audits"]]
        for where in ("here", "there")
    ]
    assert told[0] == told[1]
    assert [one[:2] for one in told[0]] == [("north", "NO-GO"), ("south", "GO")]


def test_ctrl_c_ends_all_in_order_and_the_index_tells_how_to_go_on(
    damaged: Project, held: Path, tmp_path: Path
) -> None:
    running = started("run", "parameters/ledger.yml", "parameters/absent.yml", "--out", str(tmp_path))
    kernel = kernel_at(held)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=SECONDS)
    kernel.wait(SECONDS)
    assert (running.returncode, said) == (3, f"stopped; how far each came stands in {tmp_path / 'index.html'}\n")
    reason = index_in(tmp_path)["audits"][0]["reasons"][0]
    assert reason.startswith("stopped; go on with: dsaudit run parameters/ledger.yml --resume ")
    assert Path(reason.split()[-1]).is_dir()


def test_what_is_of_one_run_is_refused_for_several(damaged: Project, tmp_path: Path) -> None:
    for words, said in [
        (["parameters/absent.yml", "--resume", str(tmp_path)], "--resume is of one run: name one file"),
        (["--each-tenant", "--live"], "parameters/ledger.yml lets checks act, and side by side they would see each"),
    ]:
        done = command("run", "parameters/ledger.yml", *words)
        assert done.exit_code == 3 and said in done.output
