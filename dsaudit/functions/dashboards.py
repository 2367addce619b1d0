"""The dashboards: do their panels ask for what there is, and show what they say?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsaudit.facts import watched
from dsaudit.functions import Found, Row, frames
from dsaudit.observability.panels import Panel, wrong

if TYPE_CHECKING:
    from dsaudit.audit import Audit


def dashboards_name_known_metrics(audit: Audit) -> Found:
    """Every panel has a query, and the metrics and labels that it asks for exist.

    why: a panel on a metric that nothing exposes, or whose query cannot be read, is empty, and looks like a quiet day
    requirement: PI4
    severity: high
    needs: monitoring.dashboards
    instant: now
    key: dashboard, panel, metric, problem
    show: dashboard, panel, metric, problem
    remedy: correct the query or the name in the panel, or expose the metric
    """
    found, reasons = watched.dashboards(audit)
    names, labels = watched.known(audit), watched.kinds(audit)
    _, unscraped = watched.scrape(audit)
    reasons += [unscraped] if unscraped else []
    rows: list[Row] = [_row(one, None, one.problem) for one in found if one.is_empty]
    examined = len(rows)
    if names is None:
        told = "which metrics there are is not known: neither exposed, module nor metrics of `monitoring` tells it"
        reasons += [told] if not unscraped else []
    unseen = [f"{one} ({panel.title})" for panel in found if panel.tree for one in watched.unseen(audit, panel.tree)]
    for panel in found:
        if panel.tree is not None and names is not None:
            examined += sum(1 for _ in watched.asks(panel.tree))
            for name, problem in watched.lacking(audit, panel.tree, names, labels):
                rows.append(_row(panel, name, problem))
    judged = _told(rows, examined, reasons)
    judged[1].attrs["limits"] += [f"no series was exposed as yet of {one}" for one in dict.fromkeys(unseen)]
    return judged


def _row(panel: Panel, metric: str | None, problem: str) -> Row:
    return {"dashboard": panel.dashboard, "panel": panel.title, "metric": metric, "problem": problem}


def _told(rows: list[Row], examined: int, reasons: list[str]) -> Found:
    """Return the rows with what could not be examined: a failing check has no reason, and tells it as its limits."""
    told = frames(rows, [{"examined": examined, "reason": "; ".join(reasons) or None}])
    told[1].attrs["limits"] = reasons if rows else []
    return told


def dashboards_say_what_they_show(audit: Audit) -> Found:
    """Each panel shows what its title says: a rate of success is a share, an average is no quantile.

    why: whoever looks at a dashboard reads the title, and decides by a line that means something else
    requirement: PI4
    severity: low
    needs: monitoring.dashboards
    instant: now
    key: dashboard, panel, problem
    show: dashboard, panel, problem, corrected
    remedy: take over the corrected expression, or call the panel what it shows
    """
    found, reasons = watched.dashboards(audit)
    kinds, rows, examined = watched.kinds(audit), list[Row](), 0
    for panel in found:
        examined += panel.tree is not None
        place = {"dashboard": panel.dashboard, "panel": panel.title}
        rows += [{**place, "problem": words, "corrected": shown or None} for words, shown in wrong(panel, kinds)]
    return _told(rows, examined, reasons)
