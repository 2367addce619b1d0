"""What watches the system, as tables: metrics, panels, rules as they should be, and what flows and alerts did."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from dsaudit.facts import watched
from dsaudit.facts.fired import fired_before
from dsaudit.facts.followed import followed_before
from dsaudit.observability import grafana, promql
from dsaudit.observability.linting import difference, lint
from dsaudit.wording import span, unless_whole

if TYPE_CHECKING:
    from dsaudit.audit import Audit


def metrics_exposed(audit: Audit) -> pd.DataFrame:
    """The metrics that a scrape brings, without those of the process itself.

    show: metric, kind, labels, series, means
    """
    found, _ = watched.scrape(audit)
    rows = [
        {
            "metric": family.name + ("_total" if family.type == "counter" else ""),
            "kind": family.type,
            "labels": ", ".join(sorted({name for one in family.samples for name in one.labels} - {"le", "quantile"})),
            "series": len(family.samples),
            "means": family.documentation,
        }
        for family in (found.families if found else ())
        if not watched.is_beside(family.name)
    ]
    return pd.DataFrame(rows, dtype=object)


def instrumentation_costs(audit: Audit) -> pd.DataFrame:
    """What it costs to record each metric once, in microseconds.

    show: metric, kind, labels, microseconds
    """
    told, _ = watched.costs_of(audit)
    rows = [
        {"metric": one.name, "kind": one.kind, "labels": one.labels, "microseconds": round(1000 * one.milliseconds, 2)}
        for one in sorted(told, key=lambda one: -one.milliseconds)
    ]
    return pd.DataFrame(rows, dtype=object)


def dashboard_panels(audit: Audit) -> pd.DataFrame:
    """The panels, and what each asks for.

    show: dashboard, panel, metrics, expression
    """
    found, _ = watched.dashboards(audit)
    rows = []
    for one in found:
        metrics = dict.fromkeys(promql.metric(asked) for asked in promql.selectors(one.tree)) if one.tree else {}
        named = ", ".join(grafana.text(name, one.stand_ins) for name in metrics if name)
        place = {"dashboard": one.dashboard, "panel": one.title}
        rows.append({**place, "metrics": named, "expression": " ".join(one.expression.split())})
    return pd.DataFrame(rows, dtype=object)


def corrected_rules(audit: Audit) -> pd.DataFrame:
    """The rules, and beside each what would put it right.

    show: rule, for, expression, correction
    """
    rules, _ = watched.rules(audit)
    kinds, rows = watched.kinds(audit), []
    for one in rules:
        try:
            linted = lint(one.rule, kinds, one.group_labels)
            correction = difference(one.rule, linted.rule) or "; ".join(linted.untold) or "none needed"
        except promql.NotPromql as error:
            correction = str(error)
        told = {"rule": one.name, "for": one.rule.get("for"), "expression": " ".join(str(one.rule["expr"]).split())}
        rows.append({**told, "correction": correction})
    return pd.DataFrame(rows, dtype=object)


def metrics_around_flows(audit: Audit) -> pd.DataFrame:
    """The metrics before and after each flow; where nothing is declared, a counter moved that was not meant to.

    show: flow, metric, declared, before, after, change
    """
    seen = followed_before(audit) or {"flows": []}
    names = ("metric", "declared", "before", "after", "change")
    rows = [
        {"flow": flow["flow"], **{name: unless_whole(one.get(name)) for name in names}}
        for flow in seen["flows"]
        for one in flow["moved"]
    ]
    return pd.DataFrame(rows, dtype=object)


def alerts_fired(audit: Audit) -> pd.DataFrame:
    """The alerts that had to fire: how often the flow was done, and how long it took them to fire and to end.

    show: alert, flow, for, times_as_fast, times_done, fired_after, ended_after, told
    """
    seen = fired_before(audit) or {"alerts": []}
    rows = []
    for one in seen["alerts"]:
        told = one["problem"] or one["unknown"] or "it fired, and ended"
        after = {name: None if one[name] is None else span(one[name]) for name in ("fired_after", "ended_after")}
        known = {name: one[name] for name in ("alert", "flow", "for")}
        done = {"times_as_fast": one["faster"], "times_done": one["times"]}
        rows.append({**known, **done, **after, "told": told})
    return pd.DataFrame(rows, dtype=object)
