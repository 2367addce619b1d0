"""The Markdown summary says what the report's first screen says, and shows data as they are."""

from __future__ import annotations

import re
from typing import Any

from dsaudit.report.summary import markdown

HOSTILE = "| <img src=x onerror=1> [a](javascript:1) **b** `c` ![d](//e) @team $x$ \n\n# head"


def result(**changes: Any) -> dict[str, Any]:
    verdicts = [
        {"check": "one", "status": "fail", "claim": HOSTILE, "results": [{"reason": None}]},
        {"check": "two", "status": "skipped", "claim": "b", "results": [{"reason": HOSTILE}]},
        {"check": "three", "status": "pass", "claim": "c", "results": [{"reason": None}]},
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


def test_no_markup_of_the_data_survives() -> None:
    text = re.sub(r"\\.", "", markdown(result()))  # what is escaped is shown, and no markup
    for markup in ("<img", "](", "**b**", "`c`", "![", " @team", "$x$", "\n# head"):
        assert markup not in text
    assert all(line.count("|") in (0, 3, 4, 5) for line in text.splitlines())


def test_what_is_empty_is_left_out() -> None:
    text = markdown(result(criteria=[], order=[], limits=[], problems=[], verdicts=[]))
    assert "###" not in text
