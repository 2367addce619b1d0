"""Phase 7: is the integration watched between two audits, so that a danger wakes somebody?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsaudit.functions import Found, Row, frames
from dsaudit.monitoring import given, measured

if TYPE_CHECKING:
    from dsaudit.audit import Audit

UNDECLARED = "rules name metrics that the parameter file does not explain (monitoring.metrics): "


def monitoring_rules_cover_every_danger(audit: Audit) -> Found:
    """An alert rule watches each danger: silence, latency, errors, backlog, refused deliveries, syncs that stay away.

    why: between two audits an alert is all that tells; what no rule watches is noticed by a customer
    requirement: DS7.4
    severity: high
    needs: monitoring
    key: danger
    show: danger, tenants, metric, why
    remedy: `dsaudit monitor` writes a rule for each danger, with the limits of the parameter file; take over what lacks
    """
    rules = given.read(audit.parameters)
    broken = "; ".join(f"{name}: {problem}" for name, problem in rules.problems.items())
    rows: list[Row] = [
        {"danger": danger, "tenants": ", ".join(tenants), "metric": metric.name, "why": broken or "no alert rule"}
        for danger, metric, tenants in rules.uncovered()
    ]
    line: Row = {"examined": len({metric.danger for metric in measured(audit.parameters)})}
    unknown = _unknown(rules)
    if rows and unknown and not rules.is_all_declared:  # one of these may be what watches it
        rows, line = [], {**line, "reason": UNDECLARED + ", ".join(unknown)}
    return frames(rows, [line])


def monitoring_rules_name_known_metrics(audit: Audit) -> Found:
    """Every metric that the alert rules name is exposed.

    why: a rule on a metric that nothing exposes never fires, and looks like a rule that has no reason to
    requirement: DS7.4
    severity: high
    needs: monitoring
    key: rule, metric
    show: rule, metric, file, problem
    explains: monitoring_rules_cover_every_danger
    remedy: correct the name, or tell under `monitoring.metrics` what exposes it
    """
    rules = given.read(audit.parameters)
    rows: list[Row] = []
    for rule in rules.rules:
        place = {"rule": rule.name, "file": rule.file}
        if rule.problem:
            rows.append({**place, "metric": "", "problem": f"the expression cannot be read: {rule.problem}"})
        elif rules.is_all_declared:
            rows += [{**place, "metric": name, "problem": "nothing exposes it"} for name in rules.unknown(rule)]
    line: Row = {"examined": sum(len(rule.asks) for rule in rules.rules)}
    unknown = _unknown(rules)
    if unknown and not rules.is_all_declared:
        line["reason"] = UNDECLARED + ", ".join(unknown)
    return frames(rows, [line])


def _unknown(rules: given.Given) -> list[str]:
    return sorted({name for rule in rules.rules for name in rules.unknown(rule)})
