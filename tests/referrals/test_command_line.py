"""python -m examples.referrals: it can be found, asked and ended by other processes, and leaves nothing behind."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from examples.answer_key import Planted
from tests.command_lines import CommandLine, processes_of

pytestmark = pytest.mark.xdist_group("referrals_command_line")  # one sample for all of them


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    return CommandLine("referrals", tmp_path_factory.mktemp("sample"), ("--interval", "2"))


@pytest.fixture(scope="module")
def sample(line: CommandLine) -> Iterator[dict[str, Any]]:
    with line.up() as process:
        yield line.state(process)
        processes = processes_of(process.pid)
        line.run("down")
        assert process.wait(timeout=60) == 0
        line.assert_nothing_is_left(processes)


def test_the_state_file_is_private_and_tells_everything(line: CommandLine, sample: dict[str, Any]) -> None:
    assert (line.folder / "state.json").stat().st_mode & 0o777 == 0o600
    assert sample["ready"] is True and Path(sample["parameters"]).is_file()
    with psycopg.connect(sample["environment"]["REFERRALS_AUDIT_URL"]) as connection:
        assert connection.execute("select count(*) from partner_center_referrals").fetchone() == (130,)


def test_status_shows_what_is_up_but_no_secret(line: CommandLine, sample: dict[str, Any]) -> None:
    shown = line.run("status")
    assert json.loads(shown)["app"] == {"api": "up", "worker": "up", "beats": 1, "enabled": True, "seconds": 2}
    environment = sample["environment"]
    secrets = [environment[name] for name in environment if name.endswith(("TOKEN", "BROKER", "AUDIT_URL"))]
    assert not any(secret in shown for secret in [*secrets, sample["control_token"], sample["owner_url"]])


def test_changes_and_faults_reach_the_sample_of_another_process(line: CommandLine, sample: dict[str, Any]) -> None:
    assert len(json.loads(line.run("change", "3"))) == 3
    planted = Planted.from_json(line.run("plant", "statistics_missing_from_log", "--json", "--seed", "3"))
    (answer,) = Path(sample["answers"]).iterdir()
    assert planted.seed == 3 and Planted.from_json(answer.read_text()) == planted
    assert json.loads(line.run("status"))["switches"]["app"] == ["statistics_missing_from_log"]
    line.run("heal")
    line.run("settle")
    assert json.loads(line.run("status"))["switches"] == {"partner": {}, "app": []}


def test_an_unknown_fault_is_one_readable_line(line: CommandLine, sample: dict[str, Any]) -> None:
    message = line.run("plant", "no_such_fault", expect=3)
    assert "beat_fires_twice" in message and message.count("\n") == 1


def test_no_secret_is_an_argument_of_a_process(sample: dict[str, Any]) -> None:
    arguments = " ".join(word for one in processes_of(sample["pid"]) for word in one.cmdline())
    environment = sample["environment"]
    password = environment["REFERRALS_BROKER"].split(":")[2].split("@")[0]
    for secret in (password, environment["REFERRALS_PARTNER_TOKEN"], environment["REFERRALS_PLATFORM_TOKEN"]):
        assert len(secret) == 32 and secret not in arguments


def test_without_a_sample_everything_says_so(tmp_path: Path) -> None:
    line = CommandLine("referrals", tmp_path)
    assert "no sample is up" in line.run("status", expect=3)
    assert "beat_entry_missing: " in line.run("faults")
    assert line.run("tour").split()[0] == "task_ignores_flag"


def test_a_killed_sample_leaves_no_process(tmp_path: Path) -> None:
    line = CommandLine("referrals", tmp_path)
    with line.up() as process:
        processes = processes_of(line.state(process)["pid"])
        names = " ".join(one.name() for one in processes)
        assert len(processes) > 8 and "valkey" in names and "postgres" in names
        process.send_signal(signal.SIGKILL)
        process.wait()
        line.assert_nothing_is_left(processes, but=frozenset({"state.json", "state.json.lock"}))


def test_it_ends_with_its_starter_when_it_was_told_to(tmp_path: Path) -> None:
    line = CommandLine("referrals", tmp_path)
    with line.up("--attached") as process:
        processes = processes_of(line.state(process)["pid"])
        process.stdin.close()
        assert process.wait(timeout=60) == 0
        line.assert_nothing_is_left(processes)


def test_it_says_so_and_ends_when_a_part_of_it_is_gone(tmp_path: Path) -> None:
    line = CommandLine("referrals", tmp_path)
    with line.up() as process:
        processes = processes_of(line.state(process)["pid"])
        (broker,) = [one for one in processes if "valkey" in one.name()]
        broker.kill()
        assert process.wait(timeout=60) == 3
        assert b"the broker does not answer" in process.stderr.read()
    line.assert_nothing_is_left(processes)
