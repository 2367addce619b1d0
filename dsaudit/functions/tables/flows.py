"""Tables of what was seen of the declared flows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from dsaudit.flows import flows_done_before
from dsaudit.wording import span

if TYPE_CHECKING:
    from dsaudit.audit import Audit


def refused_steps(audit: Audit) -> pd.DataFrame:
    """Each request of a flow that has to be refused: with which status it should be, and with which it was.

    needs: flows, apis
    key: flow, copy, step
    show: flow, copy, step, expected_status, status, outcome
    """
    seen = (flows_done_before(audit) if audit.parameters.acting else None) or {}
    rows = [
        {"flow": flow.name, **{name: done[name] for name in ("copy", "step")}, "expected_status": step.status,
         "status": done["status"], "outcome": done["outcome"]}
        for flow in audit.parameters.flows
        for done in seen.get(flow.name, {}).get("steps", [])
        if (step := flow.steps[int(done["step"].partition(" ")[0]) - 1]).is_refusal
    ]  # fmt: skip
    return pd.DataFrame(rows, dtype=object)


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
            "status": step["status"] or "",  # a row has none
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
