"""python -m examples.<name>: a sample can be found, asked and ended by other processes, and leaves nothing behind."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import psycopg
import pytest

from examples.answer_key import Planted
from tests.command_lines import START_SECONDS, CommandLine, alive, processes_of

State = dict[str, Any]


def is_api(process: psutil.Process) -> bool:
    return process.cmdline()[1:3] == ["-m", "uvicorn"]


def is_broker(process: psutil.Process) -> bool:
    return "valkey" in process.name()


@dataclass(frozen=True)
class Of:
    """What is particular to the command line of a sample.

    `variables` are those that its parameter file names; `rows` are how many a table has; `status` is among what is
    shown of it; of `changes` so many are asked for, and so many told; `fault` is a switch, and `other` a fault with the
    line that tells it; `words` stand in what its processes were started with, and without a vital one it ends and says
    what is `gone`.
    """

    name: str
    options: tuple[str, ...]
    variables: str
    rows: tuple[str, int]
    status: Callable[[State], dict[str, Any]]
    changes: tuple[int, Callable[[Any], int], int]
    fault: str
    switched: Callable[[Planted, dict[str, Any]], bool]
    other: tuple[str, str]
    tour: str
    words: tuple[str, ...]
    stays_changed: bool = False  # when it is healed
    vital: Callable[[psutil.Process], bool] = is_api
    gone: str = "does not answer"


STOREFRONT = Of(
    "storefront",
    ("--size", "20", "--still"),
    "API AUDIT_URL LOGS SYNC TOKEN WEBHOOK_SECRET WRITE_TOKEN",
    ("shopify_order", 20),
    lambda _: {"in flight": {"deliveries": 0, "refinements": 0}, "switches": {"source": {}, "backend": {}}},
    (11, lambda told: sum(told["changes"].values()), 11),
    "refinement_fails",
    lambda planted, found: sorted(found["backend"]["refine_error"]) == planted.must[0].keys,
    other=("diagram_outdated", "data_model_has_a_diagram: fail: shopify_payout_line"),
    tour="scope_without_comment",
    words=("examples.storefront.source", "uvicorn app.main:app", "postgres"),
    stays_changed=True,
)
REFERRALS = Of(
    "referrals",
    ("--interval", "2"),
    "API AUDIT_URL BROKER LOGS PARTNER_API PARTNER_TOKEN PLATFORM PLATFORM_TOKEN",
    ("partner_center_referrals", 130),
    lambda _: {
        "app": {"api": "up", "worker": "up", "beats": 1, "enabled": True, "seconds": 2},
        "switches": {"partner": {}, "app": []},
    },
    (3, len, 3),
    "statistics_missing_from_log",
    lambda planted, found: found["app"] == [planted.fault],
    other=(
        "everything_counted_new",
        "second_sync_counts_nothing_new: fail: new records were counted, nothing was skipped",
    ),
    tour="task_ignores_flag",
    words=("valkey", "postgres"),
    vital=is_broker,
    gone="the broker does not answer",
)
DISCOVERY = Of(
    "discovery",
    ("--size", "60"),
    "API API_TOKEN AUDIT_URL",
    ("assets", 60),
    lambda _: {"health": {"database": "ok"}, "switches": {"api": []}},
    (4, len, 3),
    "endpoints_disagree",
    lambda planted, found: found == {"api": [planted.fault]},
    other=("error_format_differs", "errors_have_one_format: fail: data-imports/{id}"),
    tour="asset_lost_its_raw_record",
    words=("uvicorn app.main:app", "postgres"),
)
LISTINGS = Of(
    "listings",
    ("--size", "60"),
    "API API_TOKEN AUDIT_URL MARKETPLACE METRICS TEST_RESULTS",
    ("listings", 60),
    lambda state: {
        "health": {"database": "ok"},
        "switches": {"api": []},
        "marketplace": state["environment"]["LISTINGS_MARKETPLACE"],
    },
    (4, len, 4),
    "gauge_never_set",
    lambda planted, found: found == {"api": [planted.fault]},
    other=("metric_not_exposed", "metrics_are_exposed: fail: partial_completion_duration_seconds_bucket"),
    tour="provenance_not_set",
    words=("examples.listings.marketplace", "uvicorn app.main:app", "postgres"),
)


def each(*samples: Of) -> list[Any]:
    return [pytest.param(of, id=of.name, marks=pytest.mark.xdist_group(f"{of.name}_command_line")) for of in samples]


@pytest.fixture(scope="module", params=each(STOREFRONT, REFERRALS, DISCOVERY, LISTINGS))
def of(request: pytest.FixtureRequest) -> Of:
    return request.param


@pytest.fixture(scope="module")
def line(of: Of, tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    return CommandLine(of.name, tmp_path_factory.mktemp("sample"), of.options)


@pytest.fixture(scope="module")
def sample(line: CommandLine) -> Iterator[State]:
    """One sample for all tests that leave it up."""
    with line.up() as process:
        yield line.state(process)
        processes = processes_of(process.pid)
        line.run("down")
        assert process.wait(timeout=60) == 0
        line.assert_nothing_is_left(processes)


def secrets_of(sample: State) -> set[str]:
    """Every password and token that the state file tells."""
    told = {**sample["environment"], **sample}
    tokens = {told[name] for name in told if name.lower().endswith(("token", "secret"))}
    found = tokens | {urlsplit(value).password for value in told.values() if isinstance(value, str) and "://" in value}
    assert len(found - {None}) >= 3
    return found - {None}


def counted(sample: State, of: Of, url: str) -> int:
    with psycopg.connect(url) as connection:
        return connection.execute(f"select count(*) from {of.rows[0]}").fetchone()[0]


def test_the_state_file_is_private_and_tells_everything(line: CommandLine, sample: State, of: Of) -> None:
    assert (line.folder / "state.json").stat().st_mode & 0o777 == 0o600
    assert sample["ready"] is True and psutil.pid_exists(sample["pid"]) and Path(sample["parameters"]).is_file()
    prefix = of.name.upper()
    assert sample["environment"].keys() == {f"{prefix}_{name}" for name in of.variables.split()}
    assert counted(sample, of, sample["environment"][f"{prefix}_AUDIT_URL"]) == of.rows[1]


def test_status_shows_what_is_up_but_no_secret(line: CommandLine, sample: State, of: Of) -> None:
    shown = line.run("status")
    assert json.loads(shown).items() >= of.status(sample).items()
    assert not any(secret in shown for secret in secrets_of(sample))


def test_no_secret_is_an_argument_of_a_process(sample: State, of: Of) -> None:
    arguments = arguments_of(alive(processes_of(sample["pid"])))
    assert all(word in arguments for word in of.words)
    assert not any(secret in arguments for secret in secrets_of(sample))


def arguments_of(processes: list[psutil.Process]) -> str:
    return " ".join(word for one in processes for word in one.cmdline())


def test_changes_and_faults_reach_the_sample_of_another_process(line: CommandLine, sample: State, of: Of) -> None:
    wanted, number, told = of.changes
    assert number(json.loads(line.run("change", str(wanted)))) == told
    line.run("settle")
    planted = Planted.from_json(line.run("plant", of.fault, "--json", "--seed", "3"))
    answer = Path(sample["answers"]) / f"{of.fault}-3.json"
    assert planted.seed == 3 and Planted.from_json(answer.read_text()) == planted
    assert of.switched(planted, json.loads(line.run("status"))["switches"])
    fault, said = of.other
    assert line.run("plant", fault).splitlines()[1] == f"  {said}"
    line.run("heal")
    line.run("settle")
    assert json.loads(line.run("status"))["switches"] == of.status(sample)["switches"]
    assert of.stays_changed or counted(sample, of, sample["owner_url"]) == of.rows[1]


def test_a_second_one_at_the_same_place_is_refused(line: CommandLine, sample: State) -> None:
    assert "already up" in line.run("up", expect=3)


def test_an_unknown_fault_is_one_readable_line(line: CommandLine, sample: State, of: Of) -> None:
    message = line.run("plant", "no_such_fault", expect=3)
    assert of.other[0] in message and message.count("\n") == 1


# Without the sample of the others


def test_without_a_sample_everything_says_so(of: Of, tmp_path: Path) -> None:
    line = CommandLine(of.name, tmp_path)
    assert "no sample is up" in line.run("status", expect=3)
    assert "No sample is up" in line.run("down")
    assert f"\n{of.other[0]}: " in line.run("faults")
    assert line.run("tour").split()[0] == of.tour


@pytest.mark.parametrize(
    ("example", "size", "said"),
    [
        ("discovery", "0", "assets from 1 on"),
        *(("listings", size, "listings from 1 to 100000") for size in ("0", "100001", "many")),
    ],
)
def test_a_size_that_is_none_is_one_readable_line(example: str, size: str, said: str, tmp_path: Path) -> None:
    message = CommandLine(example, tmp_path).run("up", "--size", size, expect=3)
    assert message.splitlines()[-1].endswith(f"argument --size: {size} is no number of {said}")


def killed(line: CommandLine, of: Of) -> None:
    """Start a sample and kill it: no process of it is left."""
    with line.up() as process:
        processes = processes_of(line.state(process)["pid"])
        arguments = arguments_of(alive(processes))
        assert all(word in arguments for word in of.words)
        process.send_signal(signal.SIGKILL)
        process.wait()
        line.assert_nothing_is_left(processes, but=frozenset({"state.json", "state.json.lock"}))


@pytest.mark.parametrize("one", each(REFERRALS, DISCOVERY))
def test_a_killed_sample_leaves_no_process(one: Of, tmp_path: Path) -> None:
    killed(CommandLine(one.name, tmp_path, one.options), one)


@pytest.mark.xdist_group("storefront_command_line")
def test_the_place_of_a_killed_sample_can_be_taken_by_one_that_ends_when_nobody_uses_it(tmp_path: Path) -> None:
    line = CommandLine(STOREFRONT.name, tmp_path, STOREFRONT.options)
    killed(line, STOREFRONT)
    assert "no sample is up" in line.run("status", expect=3)
    with line.up("--idle", "1") as process:
        assert process.wait(timeout=START_SECONDS) == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("one", each(STOREFRONT, REFERRALS, DISCOVERY))
def test_it_ends_with_its_starter_when_it_was_told_to(one: Of, tmp_path: Path) -> None:
    line = CommandLine(one.name, tmp_path, one.options)
    with line.up("--attached") as process:
        processes = processes_of(line.state(process)["pid"])
        process.stdin.close()
        assert process.wait(timeout=60) == 0
        line.assert_nothing_is_left(processes)


@pytest.mark.parametrize("one", each(STOREFRONT, REFERRALS, DISCOVERY))
def test_it_says_so_and_ends_when_a_part_of_it_is_gone(one: Of, tmp_path: Path) -> None:
    line = CommandLine(one.name, tmp_path, one.options)
    with line.up() as process:
        processes = processes_of(line.state(process)["pid"])
        (part,) = [found for found in alive(processes) if one.vital(found)]
        part.kill()
        assert process.wait(timeout=60) == 3
        assert one.gone in process.stderr.read().decode()
    line.assert_nothing_is_left(processes)
