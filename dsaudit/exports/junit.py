"""JUnit XML: a suite for each phase, a test case for each check, and one for the decision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import junitparser

from dsaudit.exports.text import card
from dsaudit.exports.words import because, plain
from dsaudit.report.telling import headline
from dsaudit.verdict.card import visible

Record = dict[str, Any]
MOST_TEXT = 20_000  # characters of a test case's text
DECLARATION = "<?xml version='1.0' encoding='utf-8'?>"
DECIDED = "decision"  # the suite and the case of the run as a whole


def xml(result: Record) -> str:
    """Return a result as JUnit XML.

    A failure is a failure, an error or what could not be decided an error, what was not run skipped; what is waived has
    passed. JUnit has no word for the rest, and its schema no properties of a test case: a suite's properties tell it,
    each under its check's name. The case `decision` ends as the run does, whatever its checks say.
    """
    suites = junitparser.JUnitXml("dsaudit")
    verdicts: dict[str, list[Record]] = {}
    for verdict in result["verdicts"]:
        verdicts.setdefault(verdict["phase"], []).append(verdict)
    planned = {one["check"]: one for one in result["plan"]}
    seconds = {phase["name"]: phase["seconds"] for phase in result["phases"]}
    suites.add_testsuite(_decision(result))
    for phase in sorted(verdicts):
        suites.add_testsuite(_suite(phase, verdicts[phase], planned, seconds.get(phase, 0), result))
    whole: bytes = suites.tostring()  # type: ignore[no-untyped-call]
    return f"{DECLARATION}\n{whole.decode()}\n"


def _decision(result: Record) -> junitparser.TestSuite:
    suite = _named(DECIDED, result)
    run, instant = result["run"], result["instant"]
    told = {
        "run": run["id"],
        "environment": run["environment"],
        "decision": headline(result),
        "commit": run["commit"],
        "instant": instant["time"],
        "parameters": result["parameters"]["sha256"],
        "digest": result["digest"],
    }
    for name, value in told.items():
        suite.add_property(name, plain(value))
    case = junitparser.TestCase(DECIDED, plain(run["integration"]), 0)
    words = "; ".join(plain(reason["text"]) for reason in result["reasons"]) or "not enough was proven"
    text = "\n".join(f"- {plain(one)}" for one in [*result["limits"], *result["problems"]])
    if result["decision"] == "NO-GO":
        case.result = [_outcome(junitparser.Failure, f"{headline(result)}: {words}", text)]
    elif result["decision"] != "GO":
        case.result = [_outcome(junitparser.Error, f"{headline(result)}: {words}", text)]
    suite.add_testcase(case)
    return suite


def _suite(
    phase: str, verdicts: Sequence[Record], planned: dict[str, Record], seconds: float, result: Record
) -> junitparser.TestSuite:
    suite = _named(phase, result)
    for verdict in verdicts:
        name = plain(verdict["check"])
        case = junitparser.TestCase(
            name, f"{plain(result['run']['integration'])}.{plain(phase)}", round(verdict["seconds"], 3)
        )
        case.result = _results(verdict)
        suite.add_testcase(case)
        for key, value in _properties(verdict, planned.get(verdict["check"], {})).items():
            suite.add_property(plain(f"{name}.{key}"), plain(value))
    suite.time = round(seconds, 3)
    return suite


def _named(name: str, result: Record) -> junitparser.TestSuite:
    suite = junitparser.TestSuite(plain(name))
    suite.timestamp = plain(result["run"]["started"])
    return suite


def _results(verdict: Record) -> list[Any]:
    claim, status = plain(verdict["claim"]), verdict["status"]
    if status == "fail":
        return [_outcome(junitparser.Failure, f"{claim}: not so", card(verdict))]
    if status in ("error", "inconclusive"):
        return [_outcome(junitparser.Error, f"{claim}: {status}, {because(verdict)}", card(verdict))]
    return [_outcome(junitparser.Skipped, because(verdict) or "not run", "")] if status == "skipped" else []


def _outcome(kind: Any, message: str, text: str) -> Any:
    outcome = kind(plain(message), None)
    if text:
        outcome.text = visible(text, MOST_TEXT, keep="\n\u2009")
    return outcome


def _properties(verdict: Record, planned: Record) -> Record:
    """Return what JUnit has no word for."""
    waived = verdict.get("waiver") or verdict.get("accepted") or {}
    told = {
        "status": verdict["status"],
        "requirement": " ".join(verdict["requirement"]),
        "severity": verdict["severity"],
        "required": str(bool(planned.get("required"))).lower(),
        "waived": f"by {waived['owner']} until {waived['expires']}: {waived['reason']}" if waived else "",
        **{f"cause.{code}": count for code, count in verdict["causes"].items()},
    }
    return {name: value for name, value in told.items() if value != ""}
