"""Tables of what closes the audit of linked data: what it covered, how long flows take, what is to be cleaned up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from dsaudit.background import results
from dsaudit.facts import audited, cleanup, durations
from dsaudit.functions import Row

if TYPE_CHECKING:
    from dsaudit.audit import Audit


def audit_coverage(audit: Audit) -> pd.DataFrame:
    """What there is, and what of it is audited.

    needs: resources
    key: kind
    show: kind, there, audited, left_out, told
    """
    rows = [
        {"kind": one.kind, "there": one.there, "audited": one.audited, "left_out": one.named, "told": one.told}
        for one in audited.coverages(audit)
    ]
    return pd.DataFrame(rows, dtype=object)


def flow_durations(audit: Audit) -> pd.DataFrame:
    """How long they take, by kind.

    needs: durations
    key: resource, type
    show: resource, type, count, unfinished, ended_before_begun, median, p95, longest, told
    spans: median, p95, longest
    """
    rows: list[Row] = []
    for one in durations.durations(audit):
        row: Row = {"resource": one.resource, "type": one.kind, "count": one.count, "unfinished": one.unfinished}
        row |= {"ended_before_begun": one.backwards or None}
        row |= {name: getattr(one, name) for name in ("median", "p95", "longest")}
        rows.append({"resource": one.resource, "told": one.problem} if one.problem else row)
    return pd.DataFrame(rows, dtype=object)


def orphan_cleanup(audit: Audit) -> pd.DataFrame:
    """What would clean up the orphans; nothing of it was executed.

    needs: relations
    key: relation
    show: relation, orphans, does, change, told
    """
    rows: list[Row] = [
        {"relation": one.relation, "told": one.problem}
        if one.problem
        else {"relation": one.relation, "orphans": one.orphans, "does": one.does, "change": one.change}
        for one in cleanup.cleanups(audit)
    ]
    return pd.DataFrame(rows, dtype=object)


def success_criteria(audit: Audit) -> pd.DataFrame:
    """The success criteria of the blueprint, each as good as its worst check.

    show: metric, target, result
    """
    found = [{"metric": one.text, "target": one.notes, "result": one.result} for one in results.criteria(audit)]
    return pd.DataFrame(found, dtype=object)


def final_checklist(audit: Audit) -> pd.DataFrame:
    """The final checklist of the blueprint, as far as this run has come; the report's first line decides.

    show: item, result
    """
    items = results.items(audit)
    rows = [{"item": one.text, "result": one.result} for one in items]
    rows.append({"item": "Overall", "result": results.overall(items)})
    return pd.DataFrame(rows, dtype=object)
