"""A part of the matrix as it is run, and that what is judged is judged rightly, wrong answers above all."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from dsaudit.parameters import project_root
from dsaudit.verdict import Status, Verdict
from examples.answer_key import Expected, Planted
from tests.faults.__main__ import _commit, _done, _tasks, _written
from tests.faults.dispatching import Tasks, answers
from tests.faults.judging import Found, judged, what_is_wrong
from tests.faults.library import CORE, KINDS, chosen
from tests.faults.lines import Trial

SEED = 2  # the other tests plant with 1
QUICK = (
    *("storefront/same_second_update_lost", "discovery/asset_lost_its_raw_record", "referrals/second_page_dropped"),
    "listings/job_disagrees_with_rows",
)

# The matrix as it is run ---------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_kind_of_each_blueprint_is_seen_and_a_task_that_fails_stops_no_other() -> None:
    tasks = [{"kind": kind, "seed": SEED, "way": "process"} for kind in (*QUICK, "discovery/unheard_of")]
    told = {answer["kind"]: answer for answer in answers(tasks, 2)}
    assert told.pop("discovery/unheard_of")["problem"] == "KeyError: 'discovery/unheard_of'"
    assert told.keys() == {*QUICK}
    for answer in told.values():
        assert "problem" not in answer, answer
        trial = Trial(**{one.name: answer[one.name] for one in fields(Trial)})
        assert trial.must and what_is_wrong(trial) == [], answer


def test_every_kind_is_planted_with_every_seed_and_a_tenth_goes_by_papermill() -> None:
    kinds = chosen([])
    seeds = range(1, 6), range(1, 101)
    tasks = [*_tasks(kinds, *seeds, 1)]
    assert [kind.name for kind in kinds] == CORE and len({*CORE}) == len(CORE) >= 60
    planted = {(task["kind"], task["seed"]) for task in tasks if "/" in task["kind"]}
    assert planted == {(name, seed) for name in CORE for seed in range(1, 6)}
    clean = [(task["kind"], task["seed"]) for task in tasks if "/" not in task["kind"]]
    assert len({*clean}) == 100 and {kind for kind, _ in clean} == {kind.example for kind in KINDS.values()}
    ways = [task["way"] for task in tasks]
    assert ways.count("papermill") == round(len(tasks) / 10)
    assert (
        ways == [task["way"] for task in _tasks(kinds, *seeds, 1)] != [one["way"] for one in _tasks(kinds, *seeds, 2)]
    )


def test_a_pattern_that_matches_nothing_is_refused() -> None:
    assert {kind.example for kind in chosen(["listings/*"])} == {"listings"}
    with pytest.raises(ValueError, match="no fault is called 'storefornt/"):
        chosen(["storefront/ghost_row", "storefornt/ghost_row"])


def test_a_worker_stays_with_its_sample_as_long_as_there_is_work() -> None:
    names = ["a/1", "a/2", "b/1", "b/2", "b/3"]
    left = Tasks([{"kind": name} for name in names])
    assert [(left.next("a") or {}).get("kind") for _ in range(6)] == [*names, None]


def test_what_waits_for_its_schedule_is_begun_first() -> None:
    left = Tasks([{"kind": name} for name in ["storefront/1", "storefront/2", "referrals/1"]])
    assert left.names() == ["referrals", "storefront"]


def test_what_stands_there_of_this_commit_is_not_done_again(tmp_path: Path) -> None:
    answer = {"kind": "storefront", "blueprint": "datasource", "seed": 1, "way": "process", "alarms": ["orphans"]}
    assert _written(tmp_path, answer) == ["orphans is not green on clean data"]
    with (tmp_path / "clean.jsonl").open("a") as file:
        file.write(json.dumps({**answer, "seed": 2, "commit": "an older one"}) + "\n")
    assert _done(tmp_path) == {("storefront", 1, "process")}
    (kept,) = (tmp_path / "clean.jsonl").read_text().splitlines()
    assert json.loads(kept) == {**answer, "commit": _commit()}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--jobs", "0"], "then nothing is tried"),
        (["--seeds", "0", "--clean", "0"], "then nothing is tried"),
        (["--seeds=-3"], "'-3' is no whole number from 0 on"),
        (["storefornt/*"], "no fault is called 'storefornt/*'"),
        (["storefront/ghost_row", "--out", "README.md"], "--out README.md: "),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(words: list[str], said: str) -> None:
    command = [sys.executable, "-m", "tests.faults", *words]
    ended = subprocess.run(command, cwd=project_root(), capture_output=True, text=True, check=False)
    assert ended.returncode in (1, 2) and said in ended.stderr.splitlines()[-1] and "Traceback" not in ended.stderr


def test_what_could_not_be_judged_is_told_and_not_written_down(tmp_path: Path) -> None:
    (told,) = _written(tmp_path, {"kind": "storefront", "seed": 1, "way": "process", "problem": "its worker ended"})
    assert "its worker ended" in told and not [*tmp_path.iterdir()]


# Judging -------------------------------------------------------------------------------------------------------------

LOST, OTHER = "source_missing_in_raw", "orphans"
SCOPE = {"tenant": "acme", "resource": "order"}
KEY = Planted("made_up", 7, "caused", [Expected(LOST, scope=SCOPE, keys=["1", "2"], cause="NOT_SENT")], [OTHER], SEED)
ROWS = [{**SCOPE, "source_id": one, "cause": "NOT_SENT"} for one in (1, 2)]


def found(rows: list[dict[str, Any]] = ROWS, statuses: dict[str, str] | None = None) -> Found:
    """What an audit might have said: the check of the key fails with these rows, others as told."""
    told = {LOST: "fail", OTHER: "pass", "null_keys": "pass", **(statuses or {})}
    verdicts = {name: Verdict(name, "", "", [], "high", Status(status), []) for name, status in told.items()}
    reasons = [{"check": name} for name, status in told.items() if status == "fail"]
    return Found(verdicts, {LOST: rows}, {"reasons": reasons})


def made_up(answer: Found, key: Planted = KEY) -> Trial:
    return judged("storefront/made_up", "datasource", key, answer, "papermill", 1.234)


def test_what_is_as_the_key_has_it_is_right() -> None:
    trial = made_up(found())
    assert what_is_wrong(trial) == [] and trial.is_found and trial.has_right_rows
    assert trial.is_named_first and trial.has_right_cause
    assert (trial.mode, trial.how, trial.seed, trial.way, trial.seconds) == (7, "caused", SEED, "papermill", 1.23)
    assert (trial.root, trial.first, trial.must) == (LOST, LOST, [LOST])
    assert (trial.cause, trial.told, trial.alarms) == ("NOT_SENT", ["NOT_SENT"], [])


@pytest.mark.parametrize("status", ["pass", "inconclusive", "error", "skipped"])
def test_a_root_that_does_not_fail_is_missed(status: str) -> None:
    trial = made_up(found(ROWS, {LOST: status}))
    assert (trial.missed, trial.is_found, trial.has_right_rows, trial.has_right_cause) == ([LOST], False, False, False)


def test_a_check_that_did_not_run_is_missed() -> None:
    trial = made_up(Found({}, {}, {"reasons": []}))
    assert trial.missed == [LOST] and trial.first is None


@pytest.mark.parametrize(
    "rows",
    [
        ROWS[:1],
        [*ROWS, {**ROWS[0], "source_id": 3}],
        [{**ROWS[0], "source_id": 3}, ROWS[1]],
        [*ROWS, {**ROWS[0], "tenant": "borealis"}],
        [],
    ],
    ids=["one too few", "one too many", "another", "one of another scope", "none"],
)
def test_other_rows_than_the_keys_are_wrong(rows: list[dict[str, Any]]) -> None:
    trial = made_up(found(rows))
    assert trial.wrong_rows == [LOST] and trial.missed == [] and trial.is_found and not trial.has_right_rows


def test_rows_of_other_scopes_are_right_where_the_key_says_that_they_may_follow() -> None:
    rows = [*ROWS, {**ROWS[0], "tenant": "borealis"}]
    assert made_up(found(rows), replace(KEY, may=[LOST])).wrong_rows == []


@pytest.mark.parametrize(("fields", "is_wrong"), [(["price"], False), (["price", "name"], True), (["name"], True)])
def test_other_fields_than_the_keys_are_wrong(fields: list[str], is_wrong: bool) -> None:
    key = replace(KEY, must=[replace(KEY.must[0], fields=fields)])
    assert bool(made_up(found([{**row, "field": "price"} for row in ROWS]), key).wrong_rows) is is_wrong


def test_another_cause_is_wrong_and_so_is_a_second_one() -> None:
    for causes in (["LATE", "LATE"], ["NOT_SENT", "LATE"]):
        rows = [{**row, "cause": cause} for row, cause in zip(ROWS, causes, strict=True)]
        trial = made_up(found(rows))
        assert trial.told == sorted({*causes}) and not trial.cause_is_right and not trial.has_right_cause


def test_causes_that_are_told_of_each_others_rows_are_wrong() -> None:
    must = [Expected(LOST, scope={**SCOPE, "tenant": name}, keys=["1"], cause=name.upper()) for name in ("a", "b")]
    rows = [{**SCOPE, "tenant": name, "source_id": 1, "cause": name.upper()} for name in ("a", "b")]
    key = replace(KEY, must=must)
    assert made_up(found(rows), key).cause_is_right
    swapped = [{**row, "cause": other["cause"]} for row, other in zip(rows, reversed(rows), strict=True)]
    assert made_up(found(swapped), key).told == ["A", "B"] and not made_up(found(swapped), key).cause_is_right


def test_a_check_outside_the_key_is_an_alarm_and_one_that_may_follow_is_none() -> None:
    assert made_up(found(ROWS, {OTHER: "fail"})).alarms == []
    for status in ("fail", "inconclusive", "error", "waived"):
        assert made_up(found(ROWS, {"null_keys": status})).alarms == ["null_keys"]


def test_a_root_that_is_not_named_first_is_told() -> None:
    answer = found(ROWS, {OTHER: "fail"})
    trial = made_up(replace(answer, decided={"reasons": [{"check": OTHER}, {"check": LOST}]}))
    assert what_is_wrong(trial) == [f"{LOST} is the root, named first is {OTHER}"]
    assert trial.is_found and trial.has_right_cause and not trial.is_named_first


def test_an_inconclusive_check_is_what_a_key_may_ask_for() -> None:
    key = replace(KEY, must=[Expected(LOST, "inconclusive")])
    assert made_up(found([], {LOST: "inconclusive"}), key).missed == []
    assert made_up(found(), key).missed == [LOST]
