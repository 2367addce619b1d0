"""Whether a run acts: by the file or the command line, never in production, and in a replay only as the run did."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from dsaudit.checks import all_checks
from dsaudit.checks.planning import NEVER, NOT_ASKED, plan_check
from dsaudit.cli import main
from dsaudit.cli.resuming import going_on
from dsaudit.cli.running import allowed_to_act
from dsaudit.parameters import ParameterError, Parameters, Part, load, narrowed
from dsaudit.parameters.background import acts
from dsaudit.run import Options
from dsaudit.source.recording import STARTED
from tests.background.systems import written

STARTS = "syncs: {table: runs, run: {command: ['true']}}\nresources: {order: {table: orders, key: id, sync: a}}\n"
TURNED = "flag: {name: F, off: {command: [a]}, on: {command: [b]}}\n"


def planned(parameters: Parameters) -> str | None:
    return plan_check(all_checks()["syncs_started_now_complete"], parameters).skipped


def test_the_file_lets_checks_act_as_the_command_line_does(tmp_path: Path) -> None:
    asked, quiet = (load(written(tmp_path, STARTS + more)) for more in ("allow_actions: true\n", ""))
    assert asked.acting and planned(asked) is None
    assert not quiet.acting and planned(quiet) == NOT_ASKED
    assert quiet.allowed_to_act().acting and planned(quiet.allowed_to_act()) is None


def test_what_is_said_for_one_run_goes_before_the_file(tmp_path: Path) -> None:
    asked = load(written(tmp_path, STARTS + "allow_actions: true\n"))
    assert not asked.allowed_to_act(False).acting and planned(asked.allowed_to_act(False)) == NOT_ASKED
    assert not narrowed(asked.allowed_to_act(False), Part.given(resources=["order"])).acting
    assert narrowed(asked, Part.given(resources=["order"])).acting


def test_nothing_acts_in_production_whoever_asks(tmp_path: Path) -> None:
    parameters = load(written(tmp_path, "environment: production\n" + TURNED))
    assert acts(parameters) and not parameters.acting and not parameters.allowed_to_act().acting
    check = all_checks()["syncs_started_now_complete"]
    with_syncs = parameters.model_copy(update={"syncs": load(written(tmp_path, STARTS)).syncs})
    with_syncs = with_syncs.model_copy(update={"resources": load(written(tmp_path, STARTS)).resources})
    assert plan_check(check, with_syncs.allowed_to_act()).skipped == NEVER


def test_production_that_is_set_on_the_command_line_refuses_a_file_that_acts(tmp_path: Path) -> None:
    path = written(tmp_path, "allow_actions: true\n")
    with pytest.raises(ParameterError, match=r"small\.yml:3:1: allow_actions: nothing acts in production"):
        load(path, {"environment": "production"})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("environment: production\n" + TURNED, "--live: nothing acts in production, and small.yml describes it"),
        ("", "--live: small.yml declares nothing to do"),
    ],
)
def test_asking_for_what_cannot_be_done_is_told(text: str, words: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["run", str(written(tmp_path, text)), "--live"])
    assert done.exit_code != 0 and words in str(done.output), done.output


@pytest.mark.parametrize("section", [TURNED, "outage: {begin: {command: [a]}, end: {command: [b]}}\n", STARTS])
def test_each_way_to_act_is_something_to_ask_for(section: str, tmp_path: Path) -> None:
    assert acts(load(written(tmp_path, section)))
    assert not acts(load(written(tmp_path, "api: {url: 'http://x', health: healthz}\n")))


def test_a_run_that_acted_by_its_file_is_gone_on_with(tmp_path: Path) -> None:
    folder = tmp_path / "reports" / "small" / "unfinished" / "one"
    (folder / "private").mkdir(parents=True)
    parameters = load(written(tmp_path, "allow_actions: true\n"))
    event = json.dumps({"event": "begun", "asked": Options().asked(parameters)})
    (folder / "private" / "events.jsonl").write_text(f"{event}\n", encoding="utf-8")
    given = {"resources": (), "tenants": (), "since": "", "sample": 0, "seed": 0}
    options, _, live = going_on(Options(), folder, given, False)
    assert live and not options.acts_again  # a phase that was interrupted is not done twice unless that is asked for


def test_a_replay_acts_never_and_shows_what_a_run_that_acted_saw(tmp_path: Path) -> None:
    parameters = load(written(tmp_path, STARTS + "allow_actions: true\n"))
    recording = tmp_path / "run" / "private" / "recording"
    recording.mkdir(parents=True)
    assert not allowed_to_act(parameters, False, tmp_path / "run").acting
    (recording / STARTED).write_text("[]", encoding="utf-8")
    assert allowed_to_act(parameters, False, tmp_path / "run").acting  # what was seen is read from there
    assert allowed_to_act(parameters, False, None).acting


def test_on_and_off_are_the_words_that_stand_there(tmp_path: Path) -> None:
    parameters = load(written(tmp_path, TURNED))
    assert parameters.flag is not None and parameters.flag.on and parameters.flag.on.command == ["b"]
    assert parameters.given["flag"]["off"] == {"command": ["a"]}
