"""The alert rules: are they sound, does Prometheus take them, and do they fire?"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from dsaudit.facts import watched
from dsaudit.facts.fired import fired
from dsaudit.functions import Found, Row, frames
from dsaudit.observability import promtool
from dsaudit.observability.linting import difference, lint
from dsaudit.observability.promql import NotPromql
from dsaudit.observability.refused import Refusal

if TYPE_CHECKING:
    from dsaudit.audit import Audit

NOT_DONE = "the run that is replayed did not do it"


def alert_rules_are_sound(audit: Audit) -> Found:
    """Every rule can fire, can end, and measures what it is meant to.

    why: a share of unaggregated series divides each by itself, a quantile without rate is of all time, a count is never
      0: Prometheus takes such rules, and they fire always, or never
    requirement: PI4
    severity: high
    needs: monitoring
    key: rule, problem
    show: rule, problem, corrected, file
    explains: alert_rules_pass_promtool, alerts_fire
    remedy: take over the corrected rule, and write a unit test that lets it fire
    """
    found, problems = watched.rules(audit)
    kinds, rows, later, untold = watched.kinds(audit), list[Row](), list[Row](), dict[str, list[str]]()
    for one in found:
        try:
            linted = lint(one.rule, kinds, one.group_labels)
        except NotPromql as error:
            problems.append(f"{one.file}: {one.name}: {error}")
            continue
        corrected = [difference(one.rule, linted.rule), *["as above"] * len(linted.problems)]  # all of it at once
        for words in linted.untold:
            untold.setdefault(words, []).append(one.name)
        rows_of_one: list[Row] = [
            {"rule": one.name, "problem": problem, "corrected": shown, "file": one.file}
            for problem, shown in zip(linted.problems, corrected, strict=False)
        ]
        (rows if linted.is_grave else later).extend(rows_of_one)  # one that only does not wait can still fire, and end
    told = frames(rows + later, [{"examined": len(found), "reason": "; ".join(problems) or None}])
    told[1].attrs["limits"] = [f"{', '.join(dict.fromkeys(names))}: {words}" for words, names in untold.items()]
    return told


def alert_rules_pass_promtool(audit: Audit) -> Found:
    """Prometheus takes the rules, their unit tests pass, and each alert has one in which it fires.

    why: a file with one mistake in it is not loaded, and all its alerts are gone; only a test shows that one can fire
    requirement: PI4
    severity: high
    needs: monitoring
    key: rule, test, problem, file
    show: rule, test, problem, expected, got, file
    explains: alerts_fire
    remedy: mend what promtool names; for an alert without a test write one with a series that goes beyond its limit
    """
    section, rows, reasons = watched.section(audit), list[Row](), list[str]()
    examined = 0
    asked = [(name, promtool.checked) for name in section.rules] + [(name, promtool.tested) for name in section.tests]
    for name, ask in asked:
        path = audit.parameters.folder(name)
        if not path.is_file():
            reasons.append(f"{name}: there is no such file")
            continue
        try:
            rows += [_row(one, name) for one in ask(path)]
            examined += 1
        except promtool.NoPromtool as error:
            reasons.append(str(error))
    if section.tests and not reasons:
        rows += _untested(audit)
    reason = "; ".join(dict.fromkeys(reasons)) or None
    return frames(rows, [{"examined": examined, "reason": reason}])


def _row(refusal: Refusal, file: str) -> Row:
    return {key: value or None for key, value in asdict(refusal).items()} | {"file": file}


def _untested(audit: Audit) -> list[Row]:
    fired_by = {one for name in watched.section(audit).tests for one in promtool.fired(audit.parameters.folder(name))}
    alerts = {one.name: one.file for one in watched.rules(audit)[0] if one.is_alert}
    unfired = {name: file for name, file in alerts.items() if name not in fired_by}
    return [_row(Refusal("no unit test lets it fire", name), file) for name, file in unfired.items()]


def alerts_fire(audit: Audit) -> Found:
    """Each declared alert fires on what it is for, and ends when that is over.

    why: between the thing that goes wrong and the person who is woken stand a metric, its scrape, an expression and its
      time; only an alert that has fired shows that all of them hold
    requirement: PI4
    severity: high
    needs: monitoring.fires, monitoring.exposed
    instant: now
    acts: it does the declared flow again and again, and watches the alert in a Prometheus of its own on this machine
    key: alert, flow
    show: alert, flow, problem, times, fired_after
    remedy: look whether the metric moves with the flow, and whether the expression can pass its limit
    """
    seen = fired(audit)
    if seen is None:
        return frames([], [{"examined": 0, "reason": NOT_DONE}])
    rows: list[Row] = [
        {name: one[name] for name in ("alert", "flow", "problem", "times", "fired_after")}
        for one in seen["alerts"]
        if one["problem"]
    ]
    unknown = [f"{one['alert']}: {one['unknown']}" for one in seen["alerts"] if one["unknown"]]
    return frames(rows, [{"examined": len(seen["alerts"]) - len(unknown), "reason": "; ".join(unknown) or None}])
