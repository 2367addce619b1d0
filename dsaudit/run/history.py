"""What changed since the last run of the same integration: findings that are new, known, or fixed."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

from dsaudit.parameters import Parameters, project_root
from dsaudit.verdict.masking import key_of

KEPT = 10  # earlier runs that a report shows


def earlier_runs(parameters: Parameters, out: Path | None) -> list[dict[str, Any]]:
    """Return the results of earlier runs, the newest first; what is no whole result of this form is passed over."""
    parent = (out or project_root() / "reports") / parameters.integration
    found = []
    for path in sorted(parent.glob("*/result.json"), reverse=True):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            result = json.loads(path.read_text(encoding="utf-8"))
            _line(result), _findings(result), result["limits"], result["run"]["blueprint"]  # all that is read of it
            found.append(result)
    return found


def compare(result: dict[str, Any], parameters: Parameters, out: Path | None) -> None:
    """Add ``changes`` and ``history`` to a run's result."""
    # A run that looked at a part only is compared with nothing, and nothing with it.
    blueprint = result["run"]["blueprint"]
    runs = [one for one in earlier_runs(parameters, out) if one["run"]["blueprint"] == blueprint and not one["limits"]]
    result["history"] = [_line(run) for run in runs[:KEPT]]
    now = _findings(result)
    whole = [] if result["limits"] else runs  # and masks of different keys cannot be compared
    comparable = next((run for run in whole if len({key_of(one) for one in now | _findings(run)}) <= 1), None)
    before = _findings(comparable) if comparable else set()
    result["changes"] = {
        "against": comparable["run"]["id"] if comparable else None,
        "new": len(now - before),
        "known": len(now & before),
        "fixed": len(before - now),
        "since": None if result["limits"] else _since(result, runs),
    }


def _line(run: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": run["run"]["id"],
        "ended": run["run"]["ended"],
        "decision": run["decision"],
        "criteria": {one["id"]: one["status"] for one in run["criteria"]},
    }


def _findings(result: dict[str, Any]) -> set[str]:
    return {finding for verdict in result["verdicts"] for finding in verdict["findings"]}


def _since(result: dict[str, Any], runs: list[dict[str, Any]]) -> str | None:
    """Return when the first run of the unbroken series with this decision ended."""
    since: str = result["run"]["ended"]
    for run in runs:
        if run["decision"] != result["decision"]:
            break
        since = run["run"]["ended"]
    return since
