"""What changed since the last run of the same integration: findings that are new, known, or fixed."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

from dsaudit.history import runs
from dsaudit.verdict import Status
from dsaudit.verdict.masking import key_of

KEPT = 10  # earlier runs that a report shows
SEARCHED = 50  # earlier runs among which one is looked for whose rows bear the same names
DECIDED = {Status.PASS, Status.FAIL, Status.WAIVED}

Record = dict[str, Any]


def compare(result: Record, reports: Path) -> None:
    """Add ``changes`` and ``history`` to a run's result, from the folders of the runs in `reports`."""
    # A run that looked at a part only is compared with nothing, and nothing with it.
    run, whole, before = result["run"], [], None
    for one in itertools.islice(runs.earlier(reports, run["integration"]), SEARCHED):
        if one["run"]["blueprint"] == run["blueprint"] and not one["limits"] and one["run"]["id"] != run["id"]:
            whole.append(one)
            if before is None and not result["limits"] and len(keys(result) | keys(one)) <= 1:
                before = one
        if len(whole) >= KEPT and (before or result["limits"]):
            break
    result["history"] = [runs.line(one) for one in whole[:KEPT]]
    checks = against(result, before)
    result["changes"] = {
        "against": before["run"]["id"] if before else None,
        **{name: sum(one[name] for one in checks.values()) for name in ("new", "known", "fixed")},
        "checks": checks,
        "since": None if result["limits"] else _since(result, whole),
    }


def against(result: Record, before: Record | None) -> dict[str, dict[str, int]]:
    """Return how many rows of each check are new, known or fixed, of the checks that have any.

    What a check did not find is fixed only where it could decide: what is not known is not mended.
    """
    was = {one["check"]: set(one["findings"]) for one in before["verdicts"]} if before else {}
    told = {}
    for verdict in result["verdicts"]:
        now, known = set(verdict["findings"]), was.get(verdict["check"], set())
        fixed = known - now if verdict["status"] in DECIDED else set()
        counts = {"new": len(now - known), "known": len(now & known), "fixed": len(fixed)}
        if any(counts.values()):
            told[verdict["check"]] = counts
    return told


def keys(result: Record) -> set[str]:
    """Return the names of the mask keys that a run's findings are named under; of different keys none is comparable."""
    return {key_of(finding) for verdict in result["verdicts"] for finding in verdict["findings"]}


def _since(result: Record, whole: list[Record]) -> str:
    """Return when the first run of the unbroken series with this decision ended; the last one knows of those before."""
    if not whole or whole[0]["decision"] != result["decision"]:
        return str(result["run"]["ended"])
    return str(whole[0].get("changes", {}).get("since") or whole[0]["run"]["ended"])
