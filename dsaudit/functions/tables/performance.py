"""Tables of the declared queries: what they took and read, how they grew, and what the server has counted."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pandas as pd

from dsaudit.facts.performance import growth, plans, timing
from dsaudit.facts.performance.statements import Statement, statements
from dsaudit.functions import Row

if TYPE_CHECKING:
    from dsaudit.audit import Audit

TOP = 5  # statements of each list
LISTS: dict[str, Callable[[Statement], float]] = {
    "most time in all": lambda one: one.total,
    "slowest on average": lambda one: one.mean,
    "called most often": lambda one: one.calls,
}


def declared_queries(audit: Audit) -> pd.DataFrame:
    """What each declared query took, the first time and then, and what it read for the rows that it returned.

    needs: performance.queries
    key: query
    show: query, kind, allowed_ms, first_ms, median_ms, slowest_ms, rows, rows_handled, pages, told
    """
    performance = audit.parameters.performance
    rows: list[Row] = []
    for query in performance.queries if performance else ():
        one = timing.timings(audit)[query.name]
        row: Row = {"query": query.name, "kind": query.kind, "allowed_ms": f"{query.budget:g}"}
        if one.problem:
            rows.append({**row, "told": one.problem})
            continue
        longest = max(one.plans, key=lambda plan: float(plan["Execution Time"]))
        times = {"first_ms": one.first, "median_ms": one.middle, "slowest_ms": one.span[1]}
        row |= {name: f"{time:.2f}" for name, time in times.items()}
        read = {
            "rows": plans.returned(longest),
            "rows_handled": plans.handled(longest),
            "pages": plans.buffers(longest),
        }
        rows.append(row | {name: round(count) for name, count in read.items()})
    return pd.DataFrame(rows, dtype=object)


def query_growth(audit: Audit) -> pd.DataFrame:
    """What each declared query took, and how many rows its steps handled, on scratch copies of three sizes.

    needs: performance.queries
    key: query, rows
    show: query, kind, rows, milliseconds, handled, pages, power, allowed, told
    """
    performance, found = audit.parameters.performance, growth.grown(audit)
    rows: list[Row] = []
    for query in performance.queries if performance else ():
        about = {"query": query.name, "kind": query.kind}
        limits = {"power": found.power(query.name), "allowed": query.allowed_power, "told": found.why(query.name)}
        own = [one for one in found.points if one.query == query.name]
        rows += [
            {**about, "rows": one.rows, "milliseconds": round(one.milliseconds, 3), "handled": round(one.handled),
             "pages": round(one.pages), **limits}
            for one in own
        ] or [{**about, **limits}]  # fmt: skip
    return pd.DataFrame(rows, dtype=object)


def slowest_statements(audit: Audit) -> pd.DataFrame:
    """The statements of the application as pg_stat_statements has counted them: most time, slowest, most often.

    needs: performance
    key: list, id
    show: list, id, statement, calls, total_ms, mean_ms, rows, pages, told
    """
    found = statements(audit)
    if found.problem:
        return pd.DataFrame([{"list": "not known", "told": found.problem}], dtype=object)
    rows = [
        {"list": name, "id": one.id, "statement": one.statement, "calls": one.calls, "total_ms": f"{one.total:.1f}",
         "mean_ms": f"{one.mean:.2f}", "rows": one.rows, "pages": one.pages}
        for name, by in LISTS.items()
        for one in sorted(found.statements, key=by, reverse=True)[:TOP]
    ]  # fmt: skip
    return pd.DataFrame(rows, dtype=object)
