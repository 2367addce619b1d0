"""JUnit XML, as pytest, Maven's Surefire, Gradle, Jest and others write it: which test ended how."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from xml.etree.ElementTree import Element

from dsaudit.own_tests.files import Unreadable, instant, number, parsed

OUTCOMES = {"error": "error", "failure": "failed", "skipped": "skipped"}
COMMIT = re.compile(r"[0-9a-f]{7,64}")
# How a suite's property is called that tells the commit, its punctuation aside.
NAMES_OF_COMMIT = ("commit", "commitid", "commitsha", "sha", "revision", "headrevision")


@dataclass(frozen=True)
class Case:
    """One test: its class and name, how it ended (passed, failed, error, skipped), and what it said."""

    classname: str
    name: str
    outcome: str
    message: str = ""
    seconds: float | None = None


@dataclass(frozen=True)
class Report:
    """What one file tells: its tests, when they ran (with a zone or without), and of which commit."""

    path: Path
    cases: tuple[Case, ...]
    at: datetime | None = None
    commit: str | None = None

    def of(self, outcome: str) -> list[Case]:
        """The tests that ended so."""
        return [case for case in self.cases if case.outcome == outcome]


def read(path: Path) -> Report:
    """Return what a file of JUnit XML tells; raises `Unreadable`."""
    root = parsed(path)
    if root.tag not in ("testsuites", "testsuite"):
        raise Unreadable(f"it is no JUnit XML: {root.tag} stands where testsuites or testsuite is expected")
    cases: list[Case] = []
    for suite in [root] if root.tag == "testsuite" else root.iterfind("testsuite"):
        cases += [_case(one) for one in suite.iter("testcase")]
        cases += _unnamed(suite)
    suites = list(root.iter("testsuite"))
    times = [at for one in suites if (at := instant(one.get("timestamp")))]
    # The first suite's beginning; where some tell a zone and others none, they cannot be compared.
    at = min(times) if len({one.tzinfo is None for one in times}) == 1 else None
    return Report(path, tuple(cases), at, _commit(root))


def _case(one: Element) -> Case:
    ending = next((child for tag in OUTCOMES for child in one.iterfind(tag)), None)
    outcome = OUTCOMES[ending.tag] if ending is not None else "passed"
    message = "" if ending is None else ending.get("message") or (ending.text or "").strip() or ending.get("type") or ""
    seconds = one.get("time")
    return Case(
        one.get("classname") or "", one.get("name") or "", outcome, " ".join(message.split()),
        float(seconds) if seconds and re.fullmatch(r"\d+(\.\d+)?", seconds) else None,
    )  # fmt: skip


def _unnamed(suite: Element) -> Iterator[Case]:
    """Yield the failures that a suite counts and does not name, such as one of its set-up."""
    cases = list(suite.iter("testcase"))
    for key, tag in (("failures", "failure"), ("errors", "error")):
        missing = number(suite.get(key)) - sum(one.find(tag) is not None for one in cases)
        if missing > 0:
            yield Case(suite.get("name") or "", "", OUTCOMES[tag], f"the suite counts {missing} more than it names")


def _commit(root: Element) -> str | None:
    for one in root.iter("property"):
        name = re.sub(r"[^a-z]", "", (one.get("name") or "").lower())
        value = (one.get("value") or one.text or "").strip().lower()
        if name.endswith(NAMES_OF_COMMIT) and COMMIT.fullmatch(value):
            return value
    return None
