"""python -m examples.listings: it can be found, asked and ended by other processes, and leaves nothing behind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from examples.answer_key import Planted
from tests.command_lines import CommandLine, processes_of

pytestmark = pytest.mark.xdist_group("listings_command_line")  # one sample for all of them


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    return CommandLine("listings", tmp_path_factory.mktemp("sample"), ("--size", "60"))


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
    urls = [sample["owner_url"], sample["server_url"], sample["environment"]["LISTINGS_AUDIT_URL"]]
    passwords = [urlsplit(url).password for url in urls]
    return [sample["environment"]["LISTINGS_API_TOKEN"], *(word for word in passwords if word)]


def test_the_state_file_is_private_and_tells_everything(line: CommandLine, sample: dict[str, Any]) -> None:
    assert (line.folder / "state.json").stat().st_mode & 0o777 == 0o600
    assert sample["ready"] is True and Path(sample["parameters"]).is_file()
    names = ("AUDIT_URL", "API", "API_TOKEN", "MARKETPLACE", "METRICS", "TEST_RESULTS")
    assert sample["environment"].keys() == {f"LISTINGS_{name}" for name in names}
    with psycopg.connect(sample["environment"]["LISTINGS_AUDIT_URL"]) as connection:
        assert connection.execute("select count(*) from listings").fetchone() == (60,)


def test_status_shows_what_is_up_but_no_secret(line: CommandLine, sample: dict[str, Any]) -> None:
    shown = line.run("status")
    told = json.loads(shown)
    assert (told["health"], told["switches"]) == ({"database": "ok"}, {"api": []})
    assert told["marketplace"] == sample["environment"]["LISTINGS_MARKETPLACE"]
    assert not any(secret in shown for secret in secrets_of(sample))


def test_changes_and_faults_reach_the_sample_of_another_process(line: CommandLine, sample: dict[str, Any]) -> None:
    assert len(json.loads(line.run("change", "4"))) == 4
    planted = Planted.from_json(line.run("plant", "gauge_never_set", "--json", "--seed", "3"))
    (answer,) = Path(sample["answers"]).iterdir()
    assert planted.seed == 3 and Planted.from_json(answer.read_text()) == planted
    assert json.loads(line.run("status"))["switches"] == {"api": ["gauge_never_set"]}
    line.run("heal")
    line.run("settle")
    assert json.loads(line.run("status"))["switches"] == {"api": []}
    with psycopg.connect(sample["owner_url"]) as connection:
        assert connection.execute("select count(*) from listings").fetchone() == (60,)


def test_an_unknown_fault_is_one_readable_line(line: CommandLine, sample: dict[str, Any]) -> None:
    message = line.run("plant", "no_such_fault", expect=3)
    assert "two_heads" in message and message.count("\n") == 1


def test_no_secret_is_an_argument_of_a_process(sample: dict[str, Any]) -> None:
    arguments = " ".join(word for one in processes_of(sample["pid"]) for word in one.cmdline())
    secrets = secrets_of(sample)
    assert "examples.listings.marketplace" in arguments and "uvicorn app.main:app" in arguments
    assert len(secrets) >= 3 and not any(secret in arguments for secret in secrets)


def test_without_a_sample_everything_says_so(tmp_path: Path) -> None:
    line = CommandLine("listings", tmp_path)
    assert "no sample is up" in line.run("status", expect=3)
    assert "completed_twice: " in line.run("faults")
    assert line.run("tour").split()[0] == "provenance_not_set"


@pytest.mark.parametrize("size", ["0", "100001", "many"])
def test_a_size_that_is_none_is_one_readable_line(size: str, tmp_path: Path) -> None:
    message = CommandLine("listings", tmp_path).run("up", "--size", size, expect=3)
    assert message.splitlines()[-1].endswith(f"argument --size: {size} is no number of listings from 1 to 100000")
