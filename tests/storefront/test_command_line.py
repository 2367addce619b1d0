"""python -m examples.storefront: it can be found, asked and ended by other processes, and leaves nothing behind."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from examples.control import poll
from examples.storefront.faults import Planted

pytestmark = pytest.mark.xdist_group("command_line")  # one sample for all of them

START_SECONDS = 120


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds the state file and, since nothing may be left in it, all temporary files of the sample."""
    return tmp_path_factory.mktemp("sample")


@pytest.fixture(scope="module")
def sample(folder: Path) -> Iterator[dict[str, Any]]:
    with up(folder) as process:
        yield wait_for_state(folder, process)
        run(folder, "down")
        assert process.wait(timeout=60) == 0
    assert list(folder.iterdir()) == []


def environment(folder: Path) -> dict[str, str]:
    hidden = ("DSAUDIT_", "STOREFRONT_")
    return {**{k: v for k, v in os.environ.items() if not k.startswith(hidden)}, "TMPDIR": str(folder)}


def command(folder: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "examples.storefront", *words, "--state", str(folder / "state.json")]


@contextmanager
def up(folder: Path, *options: str) -> Iterator[subprocess.Popen]:
    """A small sample that is started as another program would start it."""
    words = command(folder, "up", "--size", "20", "--still", *options)
    with subprocess.Popen(words, env=environment(folder), stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.terminate()


def wait_for_state(folder: Path, process: subprocess.Popen) -> dict[str, Any]:
    for _ in poll(START_SECONDS, pause=0.1):
        state = read_state(folder)
        if state and state["pid"] == process.pid:
            return state
        assert process.poll() is None, process.stderr.read()
    raise AssertionError("the sample did not start in time")


def read_state(folder: Path) -> dict[str, Any] | None:
    path = folder / "state.json"
    return json.loads(path.read_text()) if path.exists() else None


def run(folder: Path, *words: str, expect: int = 0) -> str:
    done = subprocess.run(command(folder, *words), env=environment(folder), capture_output=True, text=True)
    assert done.returncode == expect, done.stderr
    return done.stdout if expect == 0 else done.stderr


def test_the_state_file_is_private_and_tells_everything(folder: Path, sample: dict[str, Any]) -> None:
    assert (folder / "state.json").stat().st_mode & 0o777 == 0o600
    assert sample["ready"] is True
    assert psutil.pid_exists(sample["pid"])
    with psycopg.connect(sample["environment"]["STOREFRONT_AUDIT_URL"]) as connection:
        assert connection.execute("select count(*) from shopify_order").fetchone()[0] >= 20


def test_status_shows_what_is_up_but_no_secret(folder: Path, sample: dict[str, Any]) -> None:
    shown = run(folder, "status")
    assert json.loads(shown)["in flight"] == {"deliveries": 0, "refinements": 0}
    secrets = [sample["control_token"], sample["owner_url"], sample["environment"]["STOREFRONT_TOKEN"]]
    assert not any(secret in shown for secret in secrets)


def test_changes_and_faults_reach_the_sample_of_another_process(folder: Path, sample: dict[str, Any]) -> None:
    assert sum(json.loads(run(folder, "change", "11"))["changes"].values()) == 11
    run(folder, "settle")
    planted = Planted.from_json(run(folder, "plant", "refinement_fails", "--seed", "3"))
    assert planted.seed == 3
    (answer,) = Path(sample["answers"]).iterdir()
    assert Planted.from_json(answer.read_text()) == planted
    switches = json.loads(run(folder, "status"))["switches"]
    assert sorted(switches["backend"]["refine_error"]) == planted.must[0].keys
    run(folder, "heal")
    assert json.loads(run(folder, "status"))["switches"] == {"source": {}, "backend": {}}


def test_a_second_one_at_the_same_place_is_refused(folder: Path, sample: dict[str, Any]) -> None:
    assert "already up" in run(folder, "up", expect=3)


def test_an_unknown_fault_is_one_readable_line(folder: Path, sample: dict[str, Any]) -> None:
    message = run(folder, "plant", "no_such_fault", expect=3)
    assert "orders_update_dropped" in message and message.count("\n") == 1


def test_faults_are_listed_without_a_sample(tmp_path: Path) -> None:
    assert "refinement_fails: " in run(tmp_path, "faults")


def test_without_a_sample_everything_else_says_so(tmp_path: Path) -> None:
    assert "no sample is up" in run(tmp_path, "status", expect=3)
    assert "No sample is up" in run(tmp_path, "down")


def processes_of(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Without those that are dead and only wait for the system to take note."""
    return [one for one in processes if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


def assert_nothing_is_left(folder: Path, processes: list[psutil.Process], *, but: set[str] = frozenset()) -> None:
    for _ in poll(30, pause=0.1):
        if not alive(processes) and {path.name for path in folder.iterdir()} <= but:
            return
    raise AssertionError(f"left: {alive(processes)}, {list(folder.iterdir())}")


def test_a_killed_sample_leaves_no_process_and_its_place_can_be_taken(tmp_path: Path) -> None:
    with up(tmp_path) as process:
        processes = processes_of(wait_for_state(tmp_path, process)["pid"])
        assert len(processes) > 5
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert_nothing_is_left(tmp_path, processes, but={"state.json", "state.json.lock"})
    assert "no sample is up" in run(tmp_path, "status", expect=3)
    assert_it_ends_when_nobody_uses_it(tmp_path)


def assert_it_ends_when_nobody_uses_it(folder: Path) -> None:
    with up(folder, "--idle", "1") as process:
        assert process.wait(timeout=START_SECONDS) == 0
    assert list(folder.iterdir()) == []


def test_it_ends_with_its_starter_when_it_was_told_to(tmp_path: Path) -> None:
    with up(tmp_path, "--attached") as process:
        processes = processes_of(wait_for_state(tmp_path, process)["pid"])
        process.stdin.close()
        assert process.wait(timeout=60) == 0
        assert_nothing_is_left(tmp_path, processes)


def test_it_says_so_and_ends_when_a_part_of_it_is_gone(tmp_path: Path) -> None:
    with up(tmp_path) as process:
        state = wait_for_state(tmp_path, process)
        (backend,) = [one for one in alive(processes_of(state["pid"])) if one.cmdline()[1:3] == ["-m", "uvicorn"]]
        backend.kill()
        assert process.wait(timeout=60) == 3
        assert b"does not answer" in process.stderr.read()
    assert list(tmp_path.iterdir()) == []
