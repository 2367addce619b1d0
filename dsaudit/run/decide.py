"""From verdicts to the decision: waivers, GO or NO-GO, its reasons, the success criteria and the checklist."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from dsaudit.parameters import Parameters
from dsaudit.run.consequences import rank
from dsaudit.verdict import Status, Verdict, worst
from dsaudit.verdict.card import plural, scope_text

EXITS = {"GO": 0, "NO-GO": 1, "INCONCLUSIVE": 2}
MOST_REASONS = 3
EXPIRED = re.compile(r"^the (waiver|baseline) of .* expired on ")

Record = dict[str, Any]


def waive(verdicts: list[Verdict], parameters: Parameters, today: date) -> None:
    """Turn the failures that the file accepts into waived ones; a waiver that has expired fails."""
    for waiver in parameters.waivers:
        for verdict in verdicts:
            if verdict.check != waiver.check:
                continue
            for result in verdict.results:
                inside = all(result.scope.get(name) == value for name, value in waiver.scope.items())
                if not inside or result.status is not Status.FAIL:
                    continue
                if date.fromisoformat(waiver.expires) < today:
                    result.reason = f"the waiver of {waiver.owner} expired on {waiver.expires}"
                else:
                    result.status = Status.WAIVED
                    verdict.waiver = {"owner": waiver.owner, "reason": waiver.reason, "expires": waiver.expires}
            verdict.status = worst(result.status for result in verdict.results)


def decide(result: Record, parameters: Parameters, terms: Mapping[str, Any]) -> None:
    """Add decision, exit, reasons, criteria and checklist to a run's result."""
    required = {planned["check"] for planned in result["plan"] if planned["required"]}
    required -= {
        planned["check"]
        for planned in result["plan"]
        if planned["skipped"] and planned["check"] not in parameters.require
    }
    judged = [verdict for verdict in result["verdicts"] if verdict["check"] in required]
    result["decision"] = _decision(judged, result, parameters)
    result["exit"] = EXITS[result["decision"]]
    result["reasons"] = _reasons(result, parameters)
    # An empty source proves an empty copy; that nothing changed proves nothing of either.
    examined = any(one["examined"] for verdict in judged for one in verdict["results"])
    if parameters.part.since and not examined:
        downgrade(result, "nothing changed in the part that was audited, so nothing was examined")
    result["criteria"] = [_criterion(one, result) for one in terms.get("criteria", [])]
    result["checklist"] = [_item(one, result) for one in terms.get("checklist", [])]


def downgrade(result: Record, reason: str) -> None:
    """Make a run inconclusive that was GO, whatever its checks say."""
    if result["decision"] == "GO":
        result["decision"], result["exit"] = "INCONCLUSIVE", EXITS["INCONCLUSIVE"]
    result["reasons"] = [{"text": reason, "check": None, "phase": None}, *result["reasons"]][:MOST_REASONS]


def _decision(judged: list[Record], result: Record, parameters: Parameters) -> str:
    statuses = [Status(verdict["status"]) for verdict in judged]
    blocking = {Status.FAIL}
    if parameters.gate.waived == "refuse":
        blocking.add(Status.WAIVED)
    if any(status in blocking for status in statuses):
        return "NO-GO"
    open_ones = {Status.INCONCLUSIVE, Status.ERROR, Status.SKIPPED}
    if any(status in open_ones for status in statuses) or result["problems"]:
        return "INCONCLUSIVE"
    if parameters.gate.skipped == "refuse" and any(v["status"] == "skipped" for v in result["verdicts"]):
        return "INCONCLUSIVE"
    return "GO" if Status.PASS in statuses else "INCONCLUSIVE"


def _reasons(result: Record, parameters: Parameters) -> list[Record]:
    """Return the weightiest reasons against a GO; a failure that others explain is no reason of its own."""
    result["order"], result["consequences"] = rank(result, parameters)
    told = {verdict["check"]: verdict for verdict in result["verdicts"]}
    reasons = [
        {"text": _in_words(told[name]), "check": name, "phase": told[name]["phase"]}
        for name in result["order"]
        if name not in result["consequences"]
    ]
    if parameters.gate.waived == "refuse":
        waived = [verdict for verdict in result["verdicts"] if verdict["status"] == Status.WAIVED]
        words = "waived, and the parameter file's gate refuses what is"
        reasons += [{"text": f"{v['claim']}: {words}", "check": v["check"], "phase": v["phase"]} for v in waived]
    reasons += [{"text": problem, "check": None, "phase": None} for problem in result["problems"]]
    return reasons[:MOST_REASONS]


def _in_words(verdict: Record) -> str:
    status = verdict["status"]
    results = [one for one in verdict["results"] if one["status"] == status]
    where = _where(one["scope"] for one in results)
    if status == "fail":
        total = sum(one["total"] for one in results)
        measured = f"measured {results[0]['observed']}" if len(results) == 1 and results[0]["unit"] != "rows" else None
        found = measured or f"{plural(total, 'case')} to the contrary"
        expired = next((f"; {one['reason']}" for one in results if EXPIRED.search(one["reason"] or "")), "")
        return f"{verdict['claim']}: not so, {found}{where or _listed(_keys(verdict), total)}{expired}"
    why = next((one["reason"] for one in results if one["reason"]), "no reason given")
    return f"{verdict['claim']}: not known, {why}{where}"


def _where(scopes: Iterable[Mapping[str, str]]) -> str:
    names = list(dict.fromkeys(scope_text(scope) for scope in scopes))
    return "" if names == ["all"] else _listed(names, len(names))


def _keys(verdict: Record) -> list[str]:
    """Return what names the rows of a check that has no scope, as far as it may be shown."""
    places = [place for place, column in enumerate(verdict["columns"]) if column["role"] == "key"]
    told = [[row[place] for place in places] for row in verdict["rows"]]
    shown = [[cell for cell in row if isinstance(cell, (str, int)) and cell != ""] for row in told]
    return list(dict.fromkeys(", ".join(str(cell) for cell in row) for row in shown if row))


def _listed(names: list[str], total: int) -> str:
    left = total - len(names[:2])
    more = f" and {left} more" if left > 0 else ""
    return f" ({'; '.join(names[:2])}{more})" if names else ""


def _statuses(names: Iterable[str], result: Record) -> list[Status]:
    told = {verdict["check"]: Status(verdict["status"]) for verdict in result["verdicts"]}
    return [told.get(name, Status.SKIPPED) for name in names]


def _criterion(term: Mapping[str, Any], result: Record) -> Record:
    """Fill in one line of the success criteria: the share of green scopes, or the worst measured value."""
    told = {verdict["check"]: verdict for verdict in result["verdicts"]}
    results = [one for name in term["checks"] for one in told.get(name, {}).get("results", [])]
    results = [one for one in results if one["status"] != "skipped"]
    status = worst(_statuses(term["checks"], result)) if results else Status.SKIPPED
    part = " of what was run" if results and status is Status.SKIPPED else ""
    return {
        "id": term["id"],
        "metric": term["metric"],
        "target": term["target"],
        "actual": f"{_actual(term, results)}{part}",
        "status": status.value,
        "checks": list(term["checks"]),
    }


def _actual(term: Mapping[str, Any], results: list[Record]) -> str:
    if not results:
        return "not measured"
    kind = term.get("actual", "coverage")
    if kind == "rows":
        return plural(sum(one["total"] for one in results), "row")
    if kind == "measure":
        measured = [one for one in results if one["value"] is not None and one["unit"] not in ("", "rows")]
        return max(measured, key=_badness)["observed"] if measured else "not measured"
    if kind == "match":
        examined = sum(one["examined"] for one in results)
        wrong = min(sum(one["total"] for one in results), examined)
        return f"{_percent(examined - wrong, examined)} match" if examined else "not measured"
    green = sum(one["status"] == "pass" for one in results)
    return _percent(green, len(results))


def _badness(result: Record) -> tuple[int, float]:
    """Return how bad a measured value is: more is worse, unless the limit is a lower one."""
    sign = -1 if str(result["expected"]).startswith("at least") else 1
    return Status(result["status"]).rank, sign * float(result["value"])


def _percent(part: int, whole: int) -> str:
    """Return a share in percent that reads 100 only when it is 100."""
    share = 100 * part / whole
    return "100 %" if part == whole else f"{min(share, 99.99):.2f} %".replace(".00 %", " %")


def _item(term: Mapping[str, Any], result: Record) -> Record:
    """Fill in one line of the checklist; what only a person can do, or no check has done, is open, with its owner."""
    checks = list(term.get("checks", []))
    statuses = _statuses(checks, result)
    if "manual" in term and set(statuses) <= {Status.SKIPPED}:
        return {"text": term["text"], "status": "open", "checks": checks, "owner": term["manual"]}
    return {"text": term["text"], "status": worst(statuses).value, "checks": checks, "owner": None}
