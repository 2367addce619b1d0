"""python -m examples.storefront: it can be found, asked and ended by other processes, and leaves nothing behind."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from examples.answer_key import Planted
from tests.command_lines import START_SECONDS, CommandLine, alive, processes_of

pytestmark = pytest.mark.xdist_group("command_line")  # one sample for all of them


def of_a_small_one(folder: Path) -> CommandLine:
    return CommandLine("storefront", folder, ("--size", "20", "--still"))


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    return of_a_small_one(tmp_path_factory.mktemp("sample"))


@pytest.fixture(scope="module")
def sample(line: CommandLine) -> Iterator[dict[str, Any]]:
    with line.up() as process:
        yield line.state(process)
        line.run("down")
        assert process.wait(timeout=60) == 0
    assert list(line.folder.iterdir()) == []


def test_the_state_file_is_private_and_tells_everything(line: CommandLine, sample: dict[str, Any]) -> None:
    assert (line.folder / "state.json").stat().st_mode & 0o777 == 0o600
    assert sample["ready"] is True
    assert psutil.pid_exists(sample["pid"])
    with psycopg.connect(sample["environment"]["STOREFRONT_AUDIT_URL"]) as connection:
        assert connection.execute("select count(*) from shopify_order").fetchone()[0] >= 20


def test_status_shows_what_is_up_but_no_secret(line: CommandLine, sample: dict[str, Any]) -> None:
    shown = line.run("status")
    assert json.loads(shown)["in flight"] == {"deliveries": 0, "refinements": 0}
    secrets = [sample["control_token"], sample["owner_url"], sample["environment"]["STOREFRONT_TOKEN"]]
    assert not any(secret in shown for secret in secrets)


def test_changes_and_faults_reach_the_sample_of_another_process(line: CommandLine, sample: dict[str, Any]) -> None:
    assert sum(json.loads(line.run("change", "11"))["changes"].values()) == 11
    line.run("settle")
    planted = Planted.from_json(line.run("plant", "refinement_fails", "--json", "--seed", "3"))
    assert planted.seed == 3
    (answer,) = Path(sample["answers"]).iterdir()
    assert Planted.from_json(answer.read_text()) == planted
    switches = json.loads(line.run("status"))["switches"]
    assert sorted(switches["backend"]["refine_error"]) == planted.must[0].keys
    line.run("heal")
    assert json.loads(line.run("status"))["switches"] == {"source": {}, "backend": {}}


def test_a_second_one_at_the_same_place_is_refused(line: CommandLine, sample: dict[str, Any]) -> None:
    assert "already up" in line.run("up", expect=3)


def test_an_unknown_fault_is_one_readable_line(line: CommandLine, sample: dict[str, Any]) -> None:
    message = line.run("plant", "no_such_fault", expect=3)
    assert "orders_update_dropped" in message and message.count("\n") == 1


def test_faults_are_listed_without_a_sample(tmp_path: Path) -> None:
    assert "refinement_fails: " in of_a_small_one(tmp_path).run("faults")


def test_without_a_sample_everything_else_says_so(tmp_path: Path) -> None:
    line = of_a_small_one(tmp_path)
    assert "no sample is up" in line.run("status", expect=3)
    assert "No sample is up" in line.run("down")


def test_a_killed_sample_leaves_no_process_and_its_place_can_be_taken(tmp_path: Path) -> None:
    line = of_a_small_one(tmp_path)
    with line.up() as process:
        processes = processes_of(line.state(process)["pid"])
        assert len(processes) > 5
        process.send_signal(signal.SIGKILL)
        process.wait()
        line.assert_nothing_is_left(processes, but=frozenset({"state.json", "state.json.lock"}))
    assert "no sample is up" in line.run("status", expect=3)
    assert_it_ends_when_nobody_uses_it(line)


def assert_it_ends_when_nobody_uses_it(line: CommandLine) -> None:
    with line.up("--idle", "1") as process:
        assert process.wait(timeout=START_SECONDS) == 0
    assert list(line.folder.iterdir()) == []


def test_it_ends_with_its_starter_when_it_was_told_to(tmp_path: Path) -> None:
    line = of_a_small_one(tmp_path)
    with line.up("--attached") as process:
        processes = processes_of(line.state(process)["pid"])
        process.stdin.close()
        assert process.wait(timeout=60) == 0
        line.assert_nothing_is_left(processes)


def test_it_says_so_and_ends_when_a_part_of_it_is_gone(tmp_path: Path) -> None:
    line = of_a_small_one(tmp_path)
    with line.up() as process:
        state = line.state(process)
        (backend,) = [one for one in alive(processes_of(state["pid"])) if one.cmdline()[1:3] == ["-m", "uvicorn"]]
        backend.kill()
        assert process.wait(timeout=60) == 3
        assert b"does not answer" in process.stderr.read()
    assert list(tmp_path.iterdir()) == []
