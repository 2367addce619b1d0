"""Tables of what was seen of the declared flows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from dsaudit.flows import flows_done_before
from dsaudit.wording import span

if TYPE_CHECKING:
    from dsaudit.audit import Audit


def flow_steps(audit: Audit) -> pd.DataFrame:
    """Each step of each flow: how it was answered, after how many looks, how long it took, and what became of it.

    needs: flows, apis
    key: flow, copy, step
    show: flow, copy, step, status, looks, took, outcome
    """
    seen = flows_done_before(audit) if audit.parameters.acting else None  # nothing is done for a table
    rows = [
        {
            "flow": name,
            "copy": step["copy"],
            "step": step["step"],
            "status": step["status"],
            "looks": step["tries"],
            "took": span(step["seconds"]),
            "outcome": step["outcome"],
        }
        for name, one in (seen or {}).items()
        for step in one["steps"]
    ]
    return pd.DataFrame(rows, dtype=object)


def flow_times(audit: Audit) -> pd.DataFrame:
    """Each flow: what came of it, its time beside what it may take, and whether all was taken away again.

    needs: flows, apis
    key: flow
    show: flow, copies, took, may_take, made, remaining, told
    """
    seen = flows_done_before(audit) if audit.parameters.acting else None
    rows = []
    for flow in audit.parameters.flows if seen else ():
        one = (seen or {}).get(flow.name)
        if one:
            took = span(one["seconds"]) if one["seconds"] is not None else None
            told = one["problem"] or ("it did not reach its end" if took is None else None)
            line = {"flow": flow.name, "copies": flow.at_once, "took": took, "may_take": span(flow.seconds)}
            rows.append({**line, "made": one["made"], "remaining": len(one["remaining"]), "told": told})
    return pd.DataFrame(rows, dtype=object)
