"""The Markdown summary says what the report's first screen says, shows data as they are, and stays short."""

from __future__ import annotations

import re
from typing import Any

from dsaudit.exports import summary
from dsaudit.exports.summary import markdown

HOSTILE = "| <img src=x onerror=1> [a](javascript:1) **b** `c` ![d](//e) @team $x$ \n\n# head"


def result(**changes: Any) -> dict[str, Any]:
    told: dict[str, Any] = {"causes": {}}
    verdicts = [
        {**told, "check": "one", "status": "fail", "claim": HOSTILE, "results": [{"reason": None}]},
        {**told, "check": "two", "status": "skipped", "claim": "b", "results": [{"reason": HOSTILE}]},
        {**told, "check": "three", "status": "pass", "claim": "c", "results": [{"reason": None}]},
    ]
    whole = {
        "decision": "NO-GO",
        "run": {"id": "r1", "integration": HOSTILE, "environment": "staging"},
        "instant": {"time": "2026-11-21T00:00:00Z"},
        "reasons": [{"text": HOSTILE}],
        "criteria": [{"metric": "M", "target": ">= 99 %", "actual": HOSTILE, "status": "fail"}],
        "verdicts": verdicts,
        "order": ["one"],
        "limits": [HOSTILE],
        "problems": [HOSTILE],
    }
    return {**whole, **changes}


def test_it_opens_with_the_decision_and_the_counts() -> None:
    run = {"id": "r1", "integration": "acme", "environment": "staging"}
    text = markdown(result(run=run, limits=[]))
    assert text.startswith("## NO-GO: acme (staging)\n")
    assert "1 fail, 1 pass, 1 not run" in text
    assert markdown(result(run=run, limits=["narrowed"])).startswith("## NO-GO for a part only: acme (staging)\n")


def test_it_tells_what_changed_and_why_rows_differ() -> None:
    told = result(changes={"against": "r0", "new": 2, "known": 13, "fixed": 4})
    told["verdicts"][0]["causes"] = {"NEVER_RECEIVED": 3, "IN_FLIGHT": 9, "WHO_KNOWS": 1}
    text = markdown(told)
    assert "Rows found since the run `r0`: 2 new, 13 known, 4 fixed." in text
    assert "| not received | 3 |" in text and "| unexplained | 1 |" in text
    assert "late" not in text  # what is late by right is no fault


def test_no_markup_of_the_data_survives() -> None:
    text = re.sub(r"\\.", "", markdown(result()))  # what is escaped is shown, and no markup
    for markup in ("<img", "](", "**b**", "`c`", "![", " @team", "$x$", "\n# head"):
        assert markup not in text
    assert all(line.count("|") in (0, 3, 4, 5) for line in text.splitlines())


def test_what_is_empty_is_left_out() -> None:
    text = markdown(result(criteria=[], order=[], limits=[], problems=[], verdicts=[]))
    assert "###" not in text


def test_what_is_too_long_is_left_out_by_whole_sections() -> None:
    criteria = [{"metric": "é" * 1000, "target": "x", "actual": "y", "status": "fail"}] * 28
    text = markdown(result(limits=["é" * 1000] * 30, criteria=criteria, order=[]))
    assert len(text.encode()) <= summary.MOST_BYTES + 60
    assert text.endswith("\n1 more section in the report.\n") and "### Not audited" in text
    assert markdown(result(limits=["x" * 1000] * 60, problems=[])).endswith("\n1 more section in the report.\n")


def test_a_long_list_says_how_many_more_there_are() -> None:
    verdicts = [{**result()["verdicts"][0], "check": f"c{number}"} for number in range(60)]
    text = markdown(result(verdicts=verdicts, order=[one["check"] for one in verdicts]))
    assert "|  | 10 more | in the report |" in text
