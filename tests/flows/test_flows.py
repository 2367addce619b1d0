"""Flows done through the sample's API: clean, at once, broken off, with what they leave, and where nothing may act."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from dsaudit.background.calls import NotAllowed
from dsaudit.checks import all_checks
from dsaudit.checks.planning import NEVER, NOT_ASKED, plan_check
from dsaudit.flows import ran, running
from dsaudit.handoff import ACTS, LEFT
from dsaudit.parameters import load
from dsaudit.verdict import Status
from examples.discovery.sample import Sample
from tests.checks.auditing import opened
from tests.flows.acting import CHECKS, CORES, ENDED, FLOWS, NOTHING, QUICK, REFUSED, SCHEMA, answering, done, own_file

pytestmark = pytest.mark.xdist_group("flows")

TABLES = ("crewai_flow_state_extensions", "data_imports", "raw_import_records", "discovery_flows", "assets")


def counts(sample: Sample) -> list[int]:
    return [int(sample.rows(f"select count(*) as number from {table}")[0]["number"]) for table in TABLES]


def test_all_steps_are_as_declared_and_nothing_is_left(sample: Sample, tmp_path: Path) -> None:
    before = counts(sample)
    with done(own_file(sample, tmp_path, FLOWS), sample.environment) as (found, audit):
        assert found.unlike_pass == [] and found.left is None
        assert found.status(SCHEMA) is Status.SKIPPED
        assert found.seen["import_and_look"]["made"] == 8 and found.seen["refused"]["made"] == 0
        assert [verdict.examined for verdict in found.verdicts.values()] == [27, 2, 0, 3, 11]
        steps = audit.frame("flow_steps").to_dict("records")
        assert [row["step"] for row in steps if row["flow"] == "import_and_look"] == [
            "1 POST data-imports",
            "2 GET data-imports/{import}",
            "3 GET data-imports/{import}/records?page_size=2",
            "4 row data_import",
        ]
        assert {row["outcome"] for row in steps} == {"as declared"}
        assert list(audit.frame("flow_times")["remaining"]) == [0, 0]
    assert counts(sample) == before


def test_several_copies_are_done_at_once_each_with_its_mark(
    sample: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, made = counts(sample), running._Run._made
    names = set[str]()

    def looked(run: running._Run) -> dict[str, set[str]]:
        names.update(str(row["import_name"]) for row in sample.rows("select import_name from data_imports"))
        return made(run)

    monkeypatch.setattr(running._Run, "_made", looked)
    text = FLOWS.replace("    wait_seconds: 2\n", "    wait_seconds: 5\n    at_once: 3\n", 1)
    with done(own_file(sample, tmp_path, text), sample.environment) as (found, audit):
        assert found.unlike_pass == []
        assert found.seen["import_and_look"]["made"] == 3 * 8
        assert {row["copy"] for row in audit.frame("flow_steps").to_dict("records")} == {1, 2, 3}
    marks = {name for name in names if name.startswith("dsaudit-")}
    assert len(marks) == 3 and {mark[-2:] for mark in marks} == {"-1", "-2", "-3"}
    assert counts(sample) == before


def test_a_flow_that_is_interrupted_is_taken_away_all_the_same(
    sample: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = counts(sample)

    def interrupted(*given: Any) -> None:
        while counts(sample) == before:
            time.sleep(0.05)
        raise KeyboardInterrupt

    monkeypatch.setattr(running, "wait", interrupted)
    with opened(own_file(sample, tmp_path, FLOWS), {**CORES, **sample.environment}, live=True) as audit:
        with pytest.raises(KeyboardInterrupt):
            audit.check(ENDED)
        assert not (audit.private / LEFT).exists()
    assert counts(sample) == before


WRONG = {
    "a value": ("data.total_records: 3}", "data.total_records: 4}", "1 POST", "data.total_records", "4", "3"),
    "a value in a list": ("data.1.is_valid: true", "data.7.no: true", "3 GET", "data.7.no", "true", "nothing there"),
    "no null": ("data.1.is_valid: true", "data.1.is_valid: null", "3 GET", "data.1.is_valid", "null", "true"),
    "what is not there": ("data.1.is_valid: true", "data.1.no: null", "3 GET", "data.1.no", "null", "nothing there"),
    "what may not be there": ("lacks: [data.nothing,", "lacks: [data.id,", "2 GET", "data.id", "nothing there", None),
    "a status": ("do: GET data-imports/{import}\n", "do: GET data-imports/{import}\n        status: 201\n",
                 "2 GET", "status", "201", "200"),
    "what is kept": ("import: data.id,", "import: data.id, no: data.no,", "1 POST", "keep no",
                     "a text or a whole number at data.no", "nothing there"),
    "a column": ("{flow}\", total_records: 3}", "{flow}\", total_records: 7}", "4 row", "total_records", "7", "3"),
    "a row": ("{row: data_import, key: \"{import}\"", "{row: data_import, key: \"{flow}\"", "4 row", "row", "a row",
              "nothing there"),
    "until": ("until: {data.status: completed}", "until: {data.status: gone}", "2 GET", "until data.status",
              "gone, within 400 ms", "completed"),
}  # fmt: skip


def test_what_is_not_as_declared_is_named_with_its_flow_and_step(sample: Sample, tmp_path: Path) -> None:
    before, first = counts(sample), FLOWS.partition("flows:\n")[2].partition("  - name: refused")[0]
    flows = []
    for name, (change, to, *_) in WRONG.items():
        assert change in first
        flows.append(first.replace(change, to).replace("import_and_look", name.replace(" ", "_")))
    text = "flows:\n" + "".join(flows).replace("wait_seconds: 2", "wait_seconds: 0.4")
    path = own_file(sample, tmp_path, text + FLOWS[FLOWS.index("flow_variables") :])
    with done(path, sample.environment, (ENDED, NOTHING)) as (found, _):
        assert found.status(ENDED) is Status.FAIL and found.status(NOTHING) is Status.PASS
        told = {str(row["flow"]): row for row in found.rows[ENDED]}
        assert len(told) == len(found.rows[ENDED]) == len(WRONG)
        for name, (*_, step, what, expected, there) in WRONG.items():
            row = told[name.replace(" ", "_")]
            assert str(row["step"]).startswith(step) and (row["what"], row["expected"]) == (what, expected)
            assert there is None or row["found"] == there
    assert counts(sample) == before


def test_what_depends_on_a_step_that_failed_is_not_done(sample: Sample, tmp_path: Path) -> None:
    text = FLOWS.replace("import: data.id,", "import: data.no,")
    with done(own_file(sample, tmp_path, text), sample.environment) as (found, _):
        assert [row["what"] for row in found.rows[ENDED]] == ["keep import"]
        assert len(found.seen["import_and_look"]["steps"]) == 1
        assert "it did not reach its end" in found.reasons(QUICK)
        # nobody knows its id, so it is known by its mark, and nothing takes it away
        assert {row["resource"] for row in found.rows[NOTHING]} == {"data_import", "raw_import_record", "master_flow",
                                                                    "discovery_flow", "asset"}  # fmt: skip
        assert "marked dsaudit-" in str(found.left) and "8 rows remained" in str(found.left)
    sample.heal()


def test_rows_that_a_deletion_forgets_are_named(changed: Sample, tmp_path: Path) -> None:
    changed.plant("removal_leaves_assets")
    text = FLOWS.replace("wait_seconds: 2", "wait_seconds: 0.5")
    with done(own_file(changed, tmp_path, text), changed.environment) as (found, _):
        assert found.status(ENDED) is Status.PASS and found.status(NOTHING) is Status.FAIL
        assert sorted(str(row["resource"]) for row in found.rows[NOTHING]) == [
            "asset", "asset", "discovery_flow", "master_flow",
        ]  # fmt: skip
        assert {row["flow"] for row in found.rows[NOTHING]} == {"import_and_look"}
        assert "4 rows remained" in str(found.left)


def test_a_removal_that_is_refused_is_told_with_its_request(changed: Sample, tmp_path: Path) -> None:
    text = FLOWS.replace('DELETE data-imports/{import}"', 'DELETE data-imports/{records}"')
    with done(own_file(changed, tmp_path, text), changed.environment) as (found, _):
        problems = [str(row["problem"]) for row in found.rows[NOTHING]]
        assert problems.count("it is still there") == 8
        assert "DELETE data-imports/{records}: answered with 422" in problems


def test_of_two_flows_that_leave_something_both_are_told(changed: Sample, tmp_path: Path) -> None:
    text = FLOWS.replace('"DELETE data-imports/{import}"', '"DELETE assets/{import}"')
    first = text.partition("  - name: refused")[0]
    again = first.partition("flows:\n")[2].replace("import_and_look", "once_more")
    with done(
        own_file(changed, tmp_path, first + again + FLOWS[FLOWS.index("flow_variables") :]),
        changed.environment,
        (NOTHING,),
    ) as (
        found,
        _,
    ):
        assert "import_and_look" in str(found.left) and "once_more" in str(found.left)


def test_a_fault_of_the_pipeline_shows_where_it_is_asked_about(changed: Sample, tmp_path: Path) -> None:
    changed.plant("import_never_ends")
    text = FLOWS.replace("wait_seconds: 2", "wait_seconds: 0.5")
    with done(own_file(changed, tmp_path, text), changed.environment) as (found, _):
        (row,) = found.rows[ENDED]
        assert row["what"] == "until data.status" and row["expected"] == "completed, within 500 ms"
        assert found.seen["import_and_look"]["steps"][-1]["tries"] > 2
        assert found.status(NOTHING) is Status.PASS and found.status(REFUSED) is Status.PASS


# Where nothing can be said


def test_a_wrong_token_an_api_that_is_down_and_a_missing_variable_prove_nothing(sample: Sample, tmp_path: Path) -> None:
    path = own_file(sample, tmp_path, FLOWS)
    with answering({}) as api:
        pass
    environment = sample.environment
    for change, reason in (
        ({"DISCOVERY_API_TOKEN": "a-token-of-nobody"}, "was answered with 401; is the token the right one?"),
        ({"DISCOVERY_API": api.url}, "not reached: ConnectError"),
        ({"FLOWS_TEST_CORES": ""}, "the environment variable FLOWS_TEST_CORES is not set"),
    ):
        with done(path, {**environment, **change}) as (found, _):
            undecided = {Status.INCONCLUSIVE} | ({Status.PASS} if "FLOWS_TEST_CORES" in change else set())
            assert {found.status(name) for name in CHECKS} <= {*undecided, Status.SKIPPED}
            assert found.status(ENDED) is found.status(NOTHING) is Status.INCONCLUSIVE
            assert reason in str(found.reasons(ENDED)), found.reasons(ENDED)
            assert found.left is None
            told = json.dumps(found.seen)
            assert api.url not in told and environment["DISCOVERY_API_TOKEN"] not in told


def test_nothing_is_done_unless_a_run_is_asked_to_and_never_in_production(sample: Sample, tmp_path: Path) -> None:
    path = own_file(sample, tmp_path, FLOWS)
    check = all_checks()[ENDED]
    assert plan_check(check, load(path)).skipped == NOT_ASKED
    assert plan_check(check, load(path).allowed_to_act()).skipped is None
    before = counts(sample)
    with opened(path, {**CORES, **sample.environment}) as audit:
        with pytest.raises(NotAllowed):
            ran(audit, "import_and_look", lambda line: None)
        assert audit.frame("flow_steps").empty and audit.frame("flow_times").empty
    assert counts(sample) == before
    production = own_file(sample, tmp_path, FLOWS, lambda text: text.replace(DEVELOPMENT, "environment: production"))
    assert plan_check(check, load(production).allowed_to_act()).skipped == NEVER


DEVELOPMENT = "environment: development"


def test_a_replay_does_nothing_though_the_run_that_is_replayed_acted(sample: Sample, tmp_path: Path) -> None:
    (tmp_path / "run" / "private" / "recording" / ACTS).mkdir(parents=True)
    before = counts(sample)
    path = own_file(sample, tmp_path, FLOWS)
    with opened(path, {**CORES, **sample.environment}, replay=str(tmp_path / "run")) as audit:
        for name in (ENDED, QUICK, REFUSED, NOTHING):
            reasons = {result.reason for result in audit.check(name).results}
            assert reasons == {"the run that is replayed did not do it"}
    assert counts(sample) == before


def test_one_flow_is_run_by_its_name_and_looked_at_before_all_is_gone(sample: Sample, tmp_path: Path) -> None:
    before, there = counts(sample), list[list[int]]()
    with opened(own_file(sample, tmp_path, FLOWS), {**CORES, **sample.environment}, live=True) as audit:
        one = ran(audit, "import_and_look", lambda line: None, lambda: there.append(counts(sample)))
        again = ran(audit, "import_and_look", lambda line: None)
    assert one["wrong"] == [] == again["wrong"] and one["left"] is None and one["seconds"] > 0
    assert len(there) == 1 and there[0][1] == before[1] + 1
    assert counts(sample) == before
