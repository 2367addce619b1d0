"""Judges what a check returned: rows and what was examined become one result for each planned scope."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from dsaudit.checks import Check
from dsaudit.parameters import Parameters
from dsaudit.verdict import Result, Status
from dsaudit.verdict.card import thousands
from dsaudit.verdict.causes import EXPECTED
from dsaudit.wording import span

Scope = dict[str, str]
SourceCount = Callable[[Scope], int | None]
SECONDS = {"s": 1, "ms": 0.001}  # that a unit of time has


@dataclass
class Evidence:
    """What a check brought home: the rows that should not exist, and for each scope what was looked at.

    ``rows``: scope columns, key columns, further columns. ``examined``: scope columns and ``examined``, optionally
    ``value``, ``unit``, ``threshold`` and ``reason`` (why the scope could not be judged). ``totals`` counts the rows
    of a scope where not all were kept. ``undecided`` are scopes whose query could not answer, and why.
    """

    rows: pd.DataFrame
    examined: pd.DataFrame
    query: str = ""
    totals: dict[tuple[str, ...], int] = field(default_factory=dict)
    undecided: list[tuple[Scope, Status, str]] = field(default_factory=list)
    limits: list[str] = field(default_factory=list)
    bounds: dict[str, list[int]] = field(default_factory=dict)  # see `Verdict`


def judge(
    check: Check, scopes: list[Scope], evidence: Evidence, parameters: Parameters, count: SourceCount
) -> list[Result]:
    """Return a result for each planned scope, and one for each scope that only the rows know of."""
    policy = parameters.policy.model_dump()
    found, expected = _totals(check, evidence)
    looked = {_key(check, row): row for row in evidence.examined.to_dict("records")}
    undecided = {_key(check, scope): (status, reason) for scope, status, reason in evidence.undecided}
    results = []
    for key, scope in {**{_key(check, scope): scope for scope in scopes}, **_unplanned(check, found, scopes)}.items():
        total = found.get(key, 0)
        row = looked.get(key, {})
        if key in undecided and not total:
            status, reason = undecided[key]
            results.append(Result(scope, status, observed="nothing, as it could not be judged", reason=reason))
        else:
            result = _result(check, scope, total, row, policy, parameters, count)
            results.append(_with_expected(result, expected.get(key, {})))
    return results


Totals = dict[tuple[str, ...], int]


def _unplanned(check: Check, found: Totals, scopes: list[Scope]) -> dict[tuple[str, ...], Scope]:
    planned = {_key(check, scope) for scope in scopes}
    return {
        key: dict(zip(check.scope, key, strict=True)) for key, total in found.items() if total and key not in planned
    }


def _totals(check: Check, evidence: Evidence) -> tuple[Totals, dict[tuple[str, ...], Counter[str]]]:
    """Count the rows of each scope; those whose cause is no fault are counted apart, by cause."""
    totals: Totals = {}
    expected: dict[tuple[str, ...], Counter[str]] = {}
    tolerant = "tolerates" in check.headers
    for row in evidence.rows.to_dict("records"):
        key = _key(check, row)
        if tolerant and row.get("cause") in EXPECTED:
            expected.setdefault(key, Counter())[row["cause"]] += 1
        else:
            totals[key] = totals.get(key, 0) + 1
    return totals | evidence.totals, expected


def _with_expected(result: Result, expected: Mapping[str, int]) -> Result:
    """Tell of the differences that are no fault; they change nothing of the status."""
    if expected:
        told = ", ".join(f"{count} {cause}" for cause, count in sorted(expected.items()))
        result.reason = "; ".join(filter(None, (result.reason, f"no fault, and not counted: {told}")))
    return result


def _key(check: Check, row: Mapping[Any, Any]) -> tuple[str, ...]:
    return tuple(str(row.get(column)) for column in check.scope)


def _result(
    check: Check,
    scope: Scope,
    total: int,
    row: Mapping[Any, Any],
    policy: Mapping[str, Any],
    parameters: Parameters,
    count: SourceCount,
) -> Result:
    given = row.get("examined")
    examined = 0 if given is None or given != given else int(given)
    result = Result(scope, Status.FAIL, observed=_rows_text(total), value=total, examined=examined, total=total)
    _with_measure(result, check, row, policy)
    allowed = _tolerated(check, examined, policy)
    if allowed:
        result.expected, result.threshold = f"at most {_rows_text(allowed)}", allowed
    if total > allowed:
        return result
    result.status, result.reason = _without_rows(check, scope, row, examined, policy, parameters, count)
    if result.status is Status.PASS and "expect" in check.headers and _beyond(result):
        result.status, result.reason = Status.INCONCLUSIVE, "what was measured breaks the limit, and no row says where"
    return result


def _tolerated(check: Check, examined: int, policy: Mapping[str, Any]) -> int:
    """Return how many rows the policy lets pass, where the check tolerates any: so many, or a share of the examined."""
    if "tolerates" not in check.headers:
        return 0
    return max(int(policy["tolerated_differences"]), int(examined * policy["tolerated_percent"] / 100))


def _without_rows(
    check: Check,
    scope: Scope,
    row: Mapping[Any, Any],
    examined: int,
    policy: Mapping[str, Any],
    parameters: Parameters,
    count: SourceCount,
) -> tuple[Status, str | None]:
    reason = row.get("reason")
    if isinstance(reason, str) and reason:
        return Status.INCONCLUSIVE, reason
    minimum = _limit(check.headers.get("minimum", "1"), policy)
    if examined >= minimum:
        return Status.PASS, None
    if examined == 0 and count(scope) == 0:
        part = parameters.part.since is not None
        return Status.PASS, "the source has nothing of it that changed" if part else "empty at the source too"
    if examined == 0 and _may_be_empty(scope, parameters):
        return Status.PASS, "empty, as the parameter file allows"
    if examined == 0:
        return Status.INCONCLUSIVE, "nothing was examined"
    return Status.INCONCLUSIVE, f"only {examined} examined; fewer than {minimum:g} prove nothing"


def _may_be_empty(scope: Scope, parameters: Parameters) -> bool:
    resource = parameters.resources.get(scope.get("resource", ""))
    return resource is not None and resource.may_be_empty


def _with_measure(result: Result, check: Check, row: Mapping[Any, Any], policy: Mapping[str, Any]) -> None:
    """Show a measured value against its limit where the check has one."""
    value = row.get("value")
    limit = check.headers.get("expect")
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return
    result.value = float(value) if not isinstance(value, int) else value
    result.unit = str(row.get("unit") or "")
    result.observed = _measured(result.value, result.unit)
    if limit:
        result.threshold = _limit(limit, policy) if row.get("threshold") is None else float(row["threshold"])
        least = ("success_percent", "coverage_percent", "linked_percent")
        below = "at least" if limit.endswith(least) else "at most"
        # What stands behind a comma says how the value was measured: ``s (p95, at most)``.
        result.expected = f"{below} {_measured(result.threshold, re.sub(',[^)]*', '', result.unit))}"


def _measured(value: float, unit: str) -> str:
    """Return a measured value in words, a length of time in its own units: ``s (p95)`` reads ``2.4 s (p95)``."""
    name, _, more = unit.partition(" ")
    told = span(value * SECONDS[name]) if name in SECONDS else f"{value:.4g} {name}"
    return f"{told} {more}".strip()


def _beyond(result: Result) -> bool:
    """Return whether a measured value breaks its limit."""
    if result.threshold is None or result.value is None:
        return False
    below = str(result.expected).startswith("at least")
    return result.value < result.threshold if below else result.value > result.threshold


def _limit(name: str, policy: Mapping[str, Any]) -> float:
    return float(policy[name]) if name in policy else float(name)


def _rows_text(total: int) -> str:
    return f"{thousands(total)} row" + ("" if total == 1 else "s")
