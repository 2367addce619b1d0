"""python -m examples.discovery: it can be found, asked and ended by other processes, and leaves nothing behind."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from examples.answer_key import Planted
from tests.command_lines import CommandLine, processes_of

pytestmark = pytest.mark.xdist_group("discovery_command_line")  # one sample for all of them


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    return CommandLine("discovery", tmp_path_factory.mktemp("sample"), ("--size", "60"))


@pytest.fixture(scope="module")
def sample(line: CommandLine) -> Iterator[dict[str, Any]]:
    with line.up() as process:
        yield line.state(process)
        processes = processes_of(process.pid)
        line.run("down")
        assert process.wait(timeout=60) == 0
        line.assert_nothing_is_left(processes)


def secrets_of(sample: dict[str, Any]) -> list[str]:
    """Every password and the token."""
    urls = [sample["owner_url"], sample["server_url"], sample["environment"]["DISCOVERY_AUDIT_URL"]]
    passwords = [urlsplit(url).password for url in urls]
    return [sample["environment"]["DISCOVERY_API_TOKEN"], *(word for word in passwords if word)]


def test_the_state_file_is_private_and_tells_everything(line: CommandLine, sample: dict[str, Any]) -> None:
    assert (line.folder / "state.json").stat().st_mode & 0o777 == 0o600
    assert sample["ready"] is True and Path(sample["parameters"]).is_file()
    assert sample["environment"].keys() == {"DISCOVERY_AUDIT_URL", "DISCOVERY_API", "DISCOVERY_API_TOKEN"}
    with psycopg.connect(sample["environment"]["DISCOVERY_AUDIT_URL"]) as connection:
        assert connection.execute("select count(*) from assets").fetchone() == (60,)


def test_status_shows_what_is_up_but_no_secret(line: CommandLine, sample: dict[str, Any]) -> None:
    shown = line.run("status")
    told = json.loads(shown)
    assert (told["health"], told["switches"]) == ({"database": "ok"}, {"api": []})
    assert not any(secret in shown for secret in secrets_of(sample))


def test_changes_and_faults_reach_the_sample_of_another_process(line: CommandLine, sample: dict[str, Any]) -> None:
    assert len(json.loads(line.run("change", "4"))) == 3
    words = line.run("plant", "error_format_differs").splitlines()
    assert words[1:] == ["  errors_have_one_format: fail: data-imports/{id}"]
    line.run("heal")
    planted = Planted.from_json(line.run("plant", "endpoints_disagree", "--json", "--seed", "3"))
    answer = Path(sample["answers"]) / "endpoints_disagree-3.json"
    assert planted.seed == 3 and Planted.from_json(answer.read_text()) == planted
    assert json.loads(line.run("status"))["switches"] == {"api": ["endpoints_disagree"]}
    line.run("heal")
    line.run("settle")
    assert json.loads(line.run("status"))["switches"] == {"api": []}
    with psycopg.connect(sample["owner_url"]) as connection:
        assert connection.execute("select count(*) from assets").fetchone() == (60,)


def test_an_unknown_fault_is_one_readable_line(line: CommandLine, sample: dict[str, Any]) -> None:
    message = line.run("plant", "no_such_fault", expect=3)
    assert "update_deadlocks" in message and message.count("\n") == 1


def test_no_secret_is_an_argument_of_a_process(sample: dict[str, Any]) -> None:
    arguments = " ".join(word for one in processes_of(sample["pid"]) for word in one.cmdline())
    secrets = secrets_of(sample)
    assert len(secrets) >= 3 and not any(secret in arguments for secret in secrets)


def test_without_a_sample_everything_says_so(tmp_path: Path) -> None:
    line = CommandLine("discovery", tmp_path)
    assert "no sample is up" in line.run("status", expect=3)
    assert "tenant_is_null: " in line.run("faults")
    assert line.run("tour").split()[0] == "asset_lost_its_raw_record"


def test_a_size_that_is_none_is_one_readable_line(tmp_path: Path) -> None:
    message = CommandLine("discovery", tmp_path).run("up", "--size", "0", expect=3)
    assert message.splitlines()[-1].endswith("argument --size: 0 is no number of assets from 1 on")


def test_a_killed_sample_leaves_no_process(tmp_path: Path) -> None:
    line = CommandLine("discovery", tmp_path)
    with line.up() as process:
        processes = processes_of(line.state(process)["pid"])
        words = [" ".join(one.cmdline()) for one in processes]
        assert any("uvicorn app.main:app" in one for one in words) and any("postgres" in one for one in words)
        process.send_signal(signal.SIGKILL)
        process.wait()
        line.assert_nothing_is_left(processes, but=frozenset({"state.json", "state.json.lock"}))


def test_it_ends_with_its_starter_when_it_was_told_to(tmp_path: Path) -> None:
    line = CommandLine("discovery", tmp_path)
    with line.up("--attached") as process:
        processes = processes_of(line.state(process)["pid"])
        process.stdin.close()
        assert process.wait(timeout=60) == 0
        line.assert_nothing_is_left(processes)


def test_it_says_so_and_ends_when_a_part_of_it_is_gone(tmp_path: Path) -> None:
    line = CommandLine("discovery", tmp_path)
    with line.up() as process:
        processes = processes_of(line.state(process)["pid"])
        (api,) = [one for one in processes if "uvicorn" in one.cmdline() and "sh" not in one.name()]
        api.kill()
        assert process.wait(timeout=60) == 3
        assert b"does not answer" in process.stderr.read()
    line.assert_nothing_is_left(processes)
