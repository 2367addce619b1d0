"""Tables of the states that rows go through: how many are in each, what they lack, how long they stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from dsaudit.database import QueryError, RelationMissing
from dsaudit.facts import states
from dsaudit.functions import Row

if TYPE_CHECKING:
    from dsaudit.audit import Audit

MOST = 50  # combinations of what is missing that are shown


def rows_by_state(audit: Audit) -> pd.DataFrame:
    """Each state with its rows, and the states that a row may go on to; one that is not declared stands last.

    needs: states
    key: resource, state
    show: resource, state, moves_on_to, rows, percent
    """
    lines: list[Row] = []
    for one in states.declared(audit):
        try:
            of = states.told(audit, one)
            query = f"select {of.state} as state, count(*) as rows from {of.source} where {of.counts} group by 1"
            counts = {row["state"]: row["rows"] for row in audit.database.query(query).records}
        except (QueryError, RelationMissing):
            continue  # the check says why
        whole = sum(counts.values())
        strange = sorted((state for state in counts if state not in one.moves), key=str)
        for state in [*one.moves, *strange]:
            others = ", ".join(one.moves.get(state, [])) or ("none" if state in one.moves else "not declared")
            rows = counts.get(state, 0)
            told = {"state": states.shown(state, one) or "none", "moves_on_to": others, "rows": rows}
            lines.append({"resource": one.resource, **told, "percent": round(100 * rows / whole, 1) if whole else None})
    return pd.DataFrame(lines, dtype=object)


def rows_by_missing(audit: Audit) -> pd.DataFrame:
    """What rows lack of the fields that they have to name, in each state, those that most rows lack first.

    needs: states
    key: resource, state, lacking
    show: resource, state, lacking, rows
    """
    lines: list[Row] = []
    for one in states.declared(audit, "missing"):
        try:
            of = states.told(audit, one)
            assert one.missing
            empty = [f"case when {of.is_empty(column)} then 1 else 0 end" for column in one.missing.fields.values()]
            query = f"""select {of.state} as state, array[{", ".join(empty)}] as empty, count(*) as rows
                from {of.source} where {of.counts} group by 1, 2 order by 3 desc, 1, 2 limit {MOST}"""
            found = audit.database.query(query).records
        except (QueryError, RelationMissing):
            continue  # the check says why
        for row in found:
            names = [name for name, is_empty in zip(one.missing.fields, row["empty"], strict=True) if is_empty]
            told = {
                "state": states.shown(row["state"], one) or "none",
                "lacking": ", ".join(names) or "nothing",
                "rows": row["rows"],
            }
            lines.append({"resource": one.resource, **told})
    return pd.DataFrame(lines, dtype=object)


def time_in_states(audit: Audit) -> pd.DataFrame:
    """How long rows stay in each state before they move on, by the history of their moves.

    needs: states
    key: resource, type
    show: resource, type, count, unfinished, median, p95, longest
    spans: median, p95, longest
    """
    lines: list[Row] = []
    for one in states.declared(audit, "history"):
        try:
            found = states.stays(audit, one)
        except (QueryError, RelationMissing):
            continue  # the check says why
        for row in found:
            lines.append({"resource": one.resource, **row, "type": states.shown(row["type"], one) or "none"})
    return pd.DataFrame(lines, dtype=object)
