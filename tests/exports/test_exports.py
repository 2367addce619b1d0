"""Every export says what the result says, keeps to its format, and lets nothing of the data out of it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from dsaudit import exports
from dsaudit.exports import junit, metrics, sarif, text
from dsaudit.exports.annotations import MOST, workflow_commands
from dsaudit.verdict import Status
from tests.report import runs

HOSTILE = 'a"b\\\n::error::x\r\x1b[2J\x00<![CDATA[ ]]></testsuite>\u202e\ufffe{}%0A::set-output name=x::1'
WORDS = {Status.FAIL: "failure", Status.ERROR: "error", Status.INCONCLUSIVE: "error", Status.SKIPPED: "skipped"}
# The children and attributes that junit-10.xsd of Jenkins' xUnit plugin allows; it is the strictest that is in use.
CHILDREN = {
    "testsuites": {"testsuite"},
    "testsuite": {"testcase", "properties"},
    "testcase": {"skipped", "error", "failure"},
    "properties": {"property"},
}
ATTRIBUTES = {
    "testsuites": {"name", "time", "tests", "failures", "errors"},
    "testsuite": {"name", "tests", "failures", "errors", "time", "skipped", "timestamp"},
    "testcase": {"name", "time", "classname"},
    "property": {"name", "value"},
    **{tag: {"type", "message"} for tag in ("skipped", "error", "failure")},
}
REQUIRED = {"testsuite": {"name", "tests", "failures", "errors"}, "testcase": {"name"}, "property": {"name", "value"}}


@pytest.fixture
def no_go() -> dict[str, Any]:
    return runs.result(runs.NO_GO, runs.EXPLAINS)


def hostile(told: str) -> dict[str, Any]:
    """A run in which everything that can come from a system under audit is `told`."""
    record = runs.result(runs.NO_GO, runs.EXPLAINS, limits=[told], problems=[told])
    record["run"] |= {"integration": told, "environment": told, "tenants": [told]}
    record["reasons"] = [{"text": told, "check": None, "phase": None}]
    record["instant"]["role"] = told
    for verdict in record["verdicts"]:
        verdict |= {"claim": told, "why": told, "causes": {told: 1} if verdict["status"] == "fail" else {}}
        verdict["rows"] = [[told] * len(verdict["columns"])] if verdict["rows"] else []
        verdict["remedies"] = [{"say": told, "command": told}]
        for one in verdict["results"]:
            one |= {"scope": {"tenant": told}, "reason": told, "observed": told}
    return record


def follows_the_schema(element: ET.Element) -> None:
    assert set(element.attrib) <= ATTRIBUTES.get(element.tag, set()), element.tag
    assert REQUIRED.get(element.tag, set()) <= set(element.attrib)
    for child in element:
        assert child.tag in CHILDREN.get(element.tag, set()), f"{child.tag} in {element.tag}"
        follows_the_schema(child)


def suites_of(record: dict[str, Any]) -> ET.Element:
    root = ET.fromstring(junit.xml(record).encode())
    follows_the_schema(root)
    return root


def test_junit_has_a_case_for_each_check_that_ended_as_it_did(no_go: dict[str, Any]) -> None:
    root = suites_of(no_go)
    cases = {case.attrib["name"]: [child.tag for child in case] for case in root.iter("testcase")}
    assert cases.pop("decision") == ["failure"]
    told = {verdict["check"]: Status(verdict["status"]) for verdict in no_go["verdicts"]}
    assert cases == {check: [WORDS[status]] if status in WORDS else [] for check, status in told.items()}
    phases = [suite.attrib["name"] for suite in root]
    assert phases == ["decision", *sorted({verdict["phase"] for verdict in no_go["verdicts"]})]
    assert all(re.fullmatch(r"\d+\.\d+", suite.attrib["time"]) for suite in root)


def test_junits_counts_are_those_of_its_cases(no_go: dict[str, Any]) -> None:
    for suite in suites_of(no_go):
        for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(suite.attrib[attribute]) == len(list(suite.iter(tag)))
        assert int(suite.attrib["tests"]) == len(list(suite.iter("testcase")))


def test_junit_tells_the_rest_as_properties(no_go: dict[str, Any]) -> None:
    no_go["verdicts"][0]["causes"] = {"NEVER_RECEIVED": 3}
    name = no_go["verdicts"][0]["check"]
    told = {one.attrib["name"]: one.attrib["value"] for one in suites_of(no_go).iter("property")}
    assert told["shared_hashes.status"] == "waived"
    assert told["shared_hashes.waived"] == "by data platform until 2026-12-01: backfill runs next week"
    assert (told[f"{name}.cause.NEVER_RECEIVED"], told[f"{name}.required"]) == ("3", "true")
    assert {f"{one['check']}.severity" for one in no_go["verdicts"]} <= set(told)


@pytest.mark.parametrize(
    ("given", "tag"),
    [({}, []), ({"problems": ["a phase did not reach its end"]}, ["error"])],
    ids=["GO", "every check passed, and the run broke off"],
)
def test_junit_is_green_only_where_the_run_is(given: dict[str, Any], tag: list[str]) -> None:
    root = suites_of(runs.result(**given))
    case = next(case for case in root.iter("testcase") if case.attrib["name"] == "decision")
    assert [child.tag for child in case] == tag


def values(record: dict[str, Any]) -> dict[tuple[str, ...], float]:
    families = text_string_to_metric_families(metrics.exposition(record))
    return {
        (sample.name, *(value for name, value in sorted(sample.labels.items()) if name not in metrics.SYSTEM)): (
            sample.value
        )
        for family in families
        for sample in family.samples
    }


def test_metrics_tell_the_state_of_the_run(no_go: dict[str, Any]) -> None:
    no_go["verdicts"][0]["causes"] = {"NEVER_RECEIVED": 3, "IN_FLIGHT": 9}
    told = values(no_go)
    assert [told["dsaudit_decision", one] for one in ("GO", "NO-GO", "INCONCLUSIVE")] == [0, 1, 0]
    assert (told["dsaudit_checks", "fail"], told["dsaudit_checks", "error"]) == (4, 1)
    assert sum(value for name, value in told.items() if name[0] == "dsaudit_checks") == len(no_go["verdicts"])
    assert (told["dsaudit_findings", "not received"], told["dsaudit_findings", "late"]) == (3, 0)
    assert told["dsaudit_last_run_timestamp_seconds",] == 1795183412  # 2026-11-20T14:03:32Z
    assert (told["dsaudit_last_run_duration_seconds",], told["dsaudit_last_run_whole",]) == (41, 1)
    assert (told["dsaudit_criterion", "accuracy", "fail"], told["dsaudit_criterion", "accuracy", "pass"]) == (1, 0)
    assert told["dsaudit_changed_rows", "new"] == 2


def test_no_metric_comes_or_goes_with_the_state(no_go: dict[str, Any]) -> None:
    assert set(values(no_go)) == set(values(runs.result())) and len(values(no_go)) < 200


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed")
@pytest.mark.parametrize("told", ["acme", HOSTILE], ids=["usual", "hostile"])
def test_promtool_has_nothing_to_say(told: str) -> None:
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=metrics.exposition(hostile(told)), capture_output=True, text=True
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def with_places(record: dict[str, Any], *places: str, folder: str = "examples/shop") -> dict[str, Any]:
    verdict = next(one for one in record["verdicts"] if one["status"] == "fail")
    verdict["columns"] = [{"name": "place", "role": "key"}, {"name": "call", "role": "value"}]
    verdict["rows"] = [[place, "datetime.utcnow"] for place in places]
    verdict["findings"] = [f"k3f2a:{number}" for number in range(len(places))]
    verdict["query"] = "-- a function: code.py:94"
    record["parameters"]["values"] = {"code": {"folder": folder}}
    return verdict


def located(record: dict[str, Any]) -> list[tuple[str, str, int]]:
    (run,) = json.loads(sarif.log(record))["runs"]
    found = [one["locations"][0]["physicalLocation"] for one in run["results"]]
    return [
        (one["artifactLocation"]["uriBaseId"], one["artifactLocation"]["uri"], one["region"]["startLine"])
        for one in found
    ]


def test_sarif_names_what_has_a_file_and_a_line(no_go: dict[str, Any]) -> None:
    verdict = with_places(no_go, "app/sync.py:12", "app/a b.py:3:7", "no place", ".:0", "None")
    log = json.loads(sarif.log(no_go))
    (run,) = log["runs"]
    assert (log["version"], run["tool"]["driver"]["name"]) == ("2.1.0", "dsaudit")
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == [verdict["check"]]
    assert located(no_go) == [
        ("%SRCROOT%", "examples/shop/app/sync.py", 12),
        ("%SRCROOT%", "examples/shop/app/a%20b.py", 3),
    ]
    for one in run["results"]:
        assert (one["ruleId"], one["ruleIndex"]) == (verdict["check"], 0)
        assert one["level"] in ("error", "warning", "note") and one["message"]["text"]
    assert run["results"][1]["partialFingerprints"] == {"dsauditFinding/v1": "k3f2a:1"}


def test_sarif_of_code_that_lies_elsewhere_says_so(no_go: dict[str, Any]) -> None:
    with_places(no_go, "app/sync.py:12", folder="../acme")
    assert located(no_go) == [("CODE", "app/sync.py", 12)]


@pytest.mark.parametrize("place", ["../../etc/passwd:1", "/etc/passwd:1", "a\\..\\b:1", "~/x:1", "https://e.org/x:1"])
def test_sarif_follows_no_way_out_of_the_code(no_go: dict[str, Any], place: str) -> None:
    with_places(no_go, place)
    assert located(no_go) == []


def test_sarif_believes_no_place_that_a_query_found(no_go: dict[str, Any]) -> None:
    with_places(no_go, "app/sync.py:12")["query"] = "select place from ledger.note"
    assert located(no_go) == []
    assert json.loads(sarif.log(no_go))["runs"][0]["tool"]["driver"]["rules"] == []


def test_sarif_keeps_what_is_waived_as_suppressed(no_go: dict[str, Any]) -> None:
    verdict = with_places(no_go, "app/sync.py:12")
    verdict |= {"status": "waived", "waiver": {"owner": "ada", "reason": "old", "expires": "2027-01-01"}}
    (one,) = json.loads(sarif.log(no_go))["runs"][0]["results"]
    assert one["suppressions"] == [{"kind": "external", "justification": "old"}]


def test_the_text_says_what_the_report_says(no_go: dict[str, Any]) -> None:
    told = text.report(no_go)
    assert told.startswith("NO-GO: acme-shopify (staging)\n4 fail, 1 error, 1 inconclusive")
    for reason in no_go["reasons"]:
        assert reason["text"] in told
    for verdict in no_go["verdicts"]:
        if verdict["status"] not in ("pass", "skipped"):
            assert verdict["claim"] in told and verdict["check"] in told
        for row in verdict["rows"]:
            assert row[2] in told and row[4]["masked"] in told
    titles = ["Reasons", "Success criteria", "What failed", "What is not known", "What was not run", "Final checklist"]
    places = [told.index(f"\n{title}\n---") for title in titles]
    assert places == sorted(places)
    assert "4b1d0c7e5a9f" in told and "d1" * 32 in told


def test_the_text_counts_the_children_and_orphans_of_each_relation_over_all_tenants() -> None:
    record = runs.result()
    assert "\nRelations\n" not in text.report(record)  # of a run without any
    verdict = next(one for one in record["verdicts"] if one["check"] == "orphans")
    scopes = [("acme", "a.b → c.id", 7, 0), ("nordlicht", "a.b → c.id", 1000, 2), ("acme", "d.e → c.id", 0, 0)]
    verdict["results"] = [
        {**verdict["results"][0], "scope": {"tenant": tenant, "relation": name}, "examined": examined, "total": total}
        for tenant, name, examined, total in scopes
    ]
    lines = [line.split() for line in text.report(record).splitlines()]
    assert ["relation", "children", "orphans"] in lines
    assert ["a.b", "→", "c.id", "1007", "2"] in lines and ["d.e", "→", "c.id", "0", "0"] in lines


def test_annotations_are_few_and_say_how_many_more() -> None:
    names = [check["check"] for check in runs.TERMS["checks"]]
    record = runs.result(dict.fromkeys(names[:14], Status.FAIL) | dict.fromkeys(names[14:16], Status.ERROR))
    lines = workflow_commands(record)
    errors = [line for line in lines if line.startswith("::error ")]
    assert len(errors) == MOST and errors[-1] == "::error title=dsaudit::5 more in the report"
    assert len(lines) - len(errors) == 2
    assert workflow_commands(runs.result()) == []


def test_an_annotation_stands_at_the_line_of_the_code(no_go: dict[str, Any]) -> None:
    verdict = with_places(no_go, "app/a,b.py:12")
    (line,) = [line for line in workflow_commands(no_go) if verdict["check"] in line]
    assert line.startswith(f"::error file=examples/shop/app/a%2Cb.py,line=12,title={verdict['check']}::")
    with_places(no_go, "app/a.py:12", folder="/srv/acme")
    assert not any("file=" in line for line in workflow_commands(no_go))


def test_a_problem_of_the_run_is_annotated_too() -> None:
    assert workflow_commands(runs.result(problems=["04 ended\nearly"])) == [
        "::warning title=dsaudit::04 ended\\u000aearly"
    ]


def test_nothing_of_the_data_breaks_out() -> None:
    record = hostile(HOSTILE)
    suites_of(record)
    json.loads(sarif.log(record))
    assert {labels for labels, _ in _labels(metrics.exposition(record))} == {frozenset({"integration", "environment"})}
    for export in exports.EXPORTS.values():
        told = export(record)
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u202e\ufffe]", told)
        assert not any(line.lstrip().startswith("::") for line in told.splitlines())
    for line in workflow_commands(record):
        assert line.count("\n") == 0 and re.match(r"::(error|warning) title=[\w-]+::", line)
        assert "%250A::set-output" in line  # an escape of the data's own is no escape


def _labels(exposition: str) -> set[tuple[frozenset[str], str]]:
    """Which labels carry the hostile text as it is shown, by metric."""
    families = list(text_string_to_metric_families(exposition))
    return {
        (frozenset(name for name, value in sample.labels.items() if "set-output" in value), sample.name)
        for family in families
        for sample in family.samples
    }


@settings(max_examples=40, deadline=None)
@given(st.text(st.characters(codec=None), max_size=60))
def test_every_text_gives_whole_files(told: str) -> None:
    record = hostile(told)
    suites_of(record)
    json.loads(sarif.log(record))
    assert list(text_string_to_metric_families(metrics.exposition(record)))
    for export in exports.EXPORTS.values():
        export(record).encode()


def test_all_are_written_whole_and_alike(tmp_path: Path, no_go: dict[str, Any]) -> None:
    exports.write(tmp_path, no_go)
    first = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    exports.write(tmp_path, no_go)
    assert first == {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert set(first) == set(exports.EXPORTS)
