"""What watches the system, as tables: metrics, panels, rules as they should be, and what flows and alerts did."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from dsaudit.facts import watched
from dsaudit.facts.fired import fired_before
from dsaudit.facts.followed import followed_before
from dsaudit.observability import grafana, promql
from dsaudit.observability.linting import difference, lint
from dsaudit.wording import span

if TYPE_CHECKING:
    from dsaudit.audit import Audit


def metrics_exposed(audit: Audit) -> pd.DataFrame:
    """What a scrape brings, those of the process itself aside.

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
    """What one record of each metric costs, in microseconds, measured on metrics like them.

    show: metric, kind, labels, microseconds
    """
    told, _ = watched.costs_of(audit)
    rows = [
        {"metric": one.name, "kind": one.kind, "labels": one.labels, "microseconds": round(1000 * one.milliseconds, 2)}
        for one in sorted(told, key=lambda one: -one.milliseconds)
    ]
    return pd.DataFrame(rows, dtype=object)


def dashboard_panels(audit: Audit) -> pd.DataFrame:
    """What the panels ask for.

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
    """The rules, and beside each what of it is to be written otherwise.

    show: rule, for, expression, otherwise
    """
    rules, _ = watched.rules(audit)
    kinds, rows = watched.kinds(audit), []
    for one in rules:
        try:
            otherwise = difference(one.rule, lint(one.rule, kinds, one.group_labels).rule) or "as it stands"
        except promql.NotPromql as error:
            otherwise = str(error)
        told = {"rule": one.name, "for": one.rule.get("for"), "expression": " ".join(str(one.rule["expr"]).split())}
        rows.append({**told, "otherwise": otherwise})
    return pd.DataFrame(rows, dtype=object)


def metrics_around_flows(audit: Audit) -> pd.DataFrame:
    """What each flow moved; a line without a declared difference is of a counter that moved besides.

    show: flow, metric, declared, before, after, change
    """
    seen = followed_before(audit) or {"flows": []}
    names = ("metric", "declared", "before", "after", "change")
    rows = [
        {"flow": flow["flow"], **{name: one.get(name) for name in names}}
        for flow in seen["flows"]
        for one in flow["moved"]
    ]
    return pd.DataFrame(rows, dtype=object)


def alerts_fired(audit: Audit) -> pd.DataFrame:
    """What became of the alerts that had to fire, and in which time.

    show: alert, flow, for, faster, times, fired_after, ended_after, told
    """
    seen = fired_before(audit) or {"alerts": []}
    rows = []
    for one in seen["alerts"]:
        told = one["problem"] or one["unknown"] or "it fired, and ended"
        after = {name: None if one[name] is None else span(one[name]) for name in ("fired_after", "ended_after")}
        known = {name: one[name] for name in ("alert", "flow", "for", "faster", "times")}
        rows.append({**known, **after, "told": told})
    return pd.DataFrame(rows, dtype=object)
