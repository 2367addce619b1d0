"""Is the integration watched between two audits, so that a danger wakes somebody?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsaudit.functions import Found, Row, frames
from dsaudit.monitoring import given, measured

if TYPE_CHECKING:
    from dsaudit.audit import Audit

UNDECLARED = "rules name metrics that the parameter file does not explain (monitoring.metrics): "


def monitoring_rules_cover_every_danger(audit: Audit) -> Found:
    """An alert rule watches each danger that can be measured, such as silence, errors, orphans or slowness.

    why: between two audits an alert is all that tells; what no rule watches is noticed by a customer
    requirement: DS7.4, DI8
    severity: high
    needs: monitoring
    key: danger
    show: danger, tenants, metric, why
    remedy: `dsaudit monitor` writes a rule for each danger, with the limits of the parameter file; take over what lacks
    """
    rules = given.read(audit.parameters)
    rows: list[Row] = [
        {"danger": danger, "tenants": ", ".join(tenants), "metric": metric, "why": "no alert rule"}
        for danger, metric, tenants in rules.uncovered()
    ]
    line: Row = {"examined": len({*rules.dangers, *(metric.danger for metric in measured(audit.parameters))})}
    unknown = [] if rules.is_all_declared else _unknown(rules)
    undeclared = UNDECLARED + ", ".join(unknown) if unknown else ""
    doubts = [*_unread(rules), *([undeclared] if rows and unknown else [])]
    if doubts:  # what is not known may be what watches it
        rows, line = [], {**line, "reason": "; ".join(doubts)}
    return frames(rows, [line])


def monitoring_rules_name_known_metrics(audit: Audit) -> Found:
    """Every metric that the alert rules name is exposed.

    why: a rule on a metric that nothing exposes never fires, and looks like a rule that has no reason to
    requirement: DS7.4, DI8
    severity: high
    needs: monitoring
    key: rule, metric
    show: rule, metric, file, problem
    explains: monitoring_rules_cover_every_danger
    remedy: correct the name, or tell under `monitoring.metrics` what exposes it
    """
    rules = given.read(audit.parameters)
    rows: list[Row] = []
    for rule in rules.rules if rules.is_all_declared else []:
        place = {"rule": rule.name, "file": rule.file}
        names = [] if rules.problems else rules.unknown(rule)  # what was not read may record them
        rows += [
            {**place, "metric": name, "problem": "nothing exposes it"}
            for name in names
            if name not in rules.unmeasured(rule)
        ]
    line: Row = {"examined": sum(len(rule.asks) for rule in rules.rules)}
    unknown = [] if rules.is_all_declared else _unknown(rules)
    unmeasured = {name: why for rule in rules.rules for name, why in rules.unmeasured(rule).items()}
    told = [f"whether {name} is exposed is not known: {why}" for name, why in sorted(unmeasured.items())]
    doubts = [*_unread(rules), *([UNDECLARED + ", ".join(unknown)] if unknown else []), *told]
    if doubts:
        line["reason"] = "; ".join(doubts)
    return frames(rows, [line])


def _unread(rules: given.Given) -> list[str]:
    """Return the files and the expressions that were not read, each with the reason."""
    files = [f"{name}: {problem}" for name, problem in rules.problems.items()]
    return files + [f"{one.file}: {one.name}: {one.problem}" for one in rules.rules if one.problem]


def _unknown(rules: given.Given) -> list[str]:
    return sorted({name for rule in rules.rules for name in rules.unknown(rule)})
