"""The project's own tests, by what they have left: do they pass, cover enough, and are they of this code?"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from dsaudit.facts import own_tests as facts
from dsaudit.functions import Found, Row, frames
from dsaudit.own_tests import percent
from dsaudit.verdict.card import plural

if TYPE_CHECKING:
    from dsaudit.audit import Audit

LONGEST = 300  # signs of what a test said
MOST_NAMED = 5


def own_tests_pass(audit: Audit) -> Found:
    """Every one of the project's own tests passes.

    why: a test that fails has found what this audit may not look for; one that nobody looks at is as good as none
    requirement: PI5
    severity: high
    needs: own_tests.junit
    key: test, class
    show: test, class, outcome, said, file
    explains: own_tests_cover_enough
    remedy: mend what the test has found, run all tests again, and put the new file in the place of this one
    """
    found = facts.results(audit)
    rows: list[Row] = [
        {"test": case.name or None, "class": case.classname or None, "outcome": case.outcome,
         "said": case.message[:LONGEST] or None, "file": report.path.name}
        for report in found.reports
        for outcome in ("failed", "error")
        for case in report.of(outcome)
    ]  # fmt: skip
    reasons = found.unread + [f"{one.path.name} holds no test" for one in found.reports if not one.cases]
    skipped = [case for one in found.reports for case in one.of("skipped")]
    ran = sum(len(one.cases) for one in found.reports) - len(skipped)
    if skipped and not ran:
        reasons.append(f"all of {plural(len(skipped), 'test')} were skipped")
    judged = frames(rows, [{"examined": ran, "reason": "; ".join(reasons) or None}])
    if skipped:
        why = ", ".join(dict.fromkeys(case.message[:LONGEST] for case in skipped if case.message))
        judged[1].attrs["limits"] = [f"{plural(len(skipped), 'test')} skipped{f': {why}'[:LONGEST] if why else ''}"]
    return judged


def own_tests_cover_enough(audit: Audit) -> Found:
    """The project's own tests cover as much of the code that they measure as the file asks for.

    why: a line that no test runs is tried by the first customer who needs it
    requirement: PI5
    severity: low
    expect: coverage_percent
    needs: own_tests.coverage
    key: path
    show: path, percent, missed, lines
    remedy: begin with the files above, which miss most; write a test for what their lines are for
    """
    found, wanted = facts.results(audit), facts.section(audit).coverage_percent
    files = found.files(facts.code(audit))
    measured = percent(files.values())
    rows: list[Row] = []
    if measured is not None and measured < wanted:
        shares = {name: percent([one]) for name, one in files.items()}
        below = [(name, share) for name, share in shares.items() if share is not None and share < wanted]
        rows = [
            {"path": name, "percent": f"{share:.1f}", "missed": files[name].there - files[name].hit,
             "lines": _spans(files[name].missed)}
            for name, share in below
        ]  # fmt: skip
        rows.sort(key=lambda row: (-row["missed"], row["path"]))
    reasons = found.unmeasured + ([] if files or found.unmeasured else ["the files name no code"])
    lines = sum(one.there for one in files.values())
    line: Row = {"examined": lines, "unit": "% (lines and branches)", "threshold": wanted}
    line |= {"reason": "; ".join(reasons) or None} | ({} if measured is None else {"value": measured})
    judged = frames(rows, [line])
    if unmeasured := facts.unmeasured(audit) if files else []:
        more = f" and {len(unmeasured) - MOST_NAMED} more" if len(unmeasured) > MOST_NAMED else ""
        told = f"{', '.join(unmeasured[:MOST_NAMED])}{more}"
        judged[1].attrs["limits"] = [f"{plural(len(unmeasured), 'file')} of the code not measured: {told}"]
    return judged


def _spans(lines: list[int]) -> str:
    """Return numbers of lines as ``3-7, 12``."""
    runs = [list(run) for _, run in groupby(enumerate(lines), key=lambda each: each[1] - each[0])]
    told = [f"{run[0][1]}-{run[-1][1]}" if len(run) > 1 else str(run[0][1]) for run in runs]
    return ", ".join(told[:20]) + (", …" if len(told) > 20 else "")


def own_tests_are_of_this_code(audit: Audit) -> Found:
    """The results are of the code that there is: of its commit, or not older than its newest change.

    why: tests that passed before the last change say nothing of it
    requirement: PI5
    severity: high
    needs: own_tests
    key: file
    show: file, commit, made, problem
    remedy: run all tests on the code as it is, and put the new files in the place of these
    """
    found, change, notes = facts.results(audit), facts.changed(audit), list[str]()
    wrong, times = facts.not_of_this_code(audit, change, notes), facts.times(audit)
    rows: list[Row] = [
        {"file": one.path.name, "commit": facts.commit_of(one),
         "made": f"{times[one.path][0]:%Y-%m-%d %H:%M:%S} UTC", "problem": wrong[one.path]}
        for one in found.results
        if one.path in wrong
    ]  # fmt: skip
    reasons = found.unread + found.unmeasured
    if change is None and not facts.section(audit).max_age_days:
        reasons.append("in the folder of the code there is none, so it has no age")
    judged = frames(rows, [{"examined": len(found.paths), "reason": "; ".join(reasons) or None}])
    judged[1].attrs["limits"] = notes
    return judged
