"""Tables of what is counted from hop to hop: of all imports, and of the one that was pushed through."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from dsaudit.database import QueryError, RelationMissing
from dsaudit.facts.conserved import Count, chains, counted
from dsaudit.functions import Row
from dsaudit.pushing import pushed_before
from dsaudit.wording import span

if TYPE_CHECKING:
    from dsaudit.audit import Audit


def counts_by_hop(audit: Audit) -> pd.DataFrame:
    """Each hop of all imports that are not under way: the rows, the number beside them, and how many differ.

    needs: conserved
    key: resource, hop
    show: resource, hop, compared_with, judged, counted, rows, differ
    """
    lines = []
    for chain in chains(audit):
        try:
            settled = [one for one in counted(audit, chain) if one.is_settled]
        except (QueryError, RelationMissing):
            continue  # the check says why
        for number, hop in enumerate(chain.hops):
            counts = [one.hops[number] for one in settled]
            lines.append({"resource": chain.resource, "hop": hop.hop, "parents": len(settled), **_summed(counts)})
    return pd.DataFrame(lines, dtype=object)


def _summed(counts: list[Count]) -> Row:
    first = counts[0] if counts else None
    told = [one.told for one in counts if one.told is not None]
    judged = first is not None and first.is_judged
    return {
        "compared_with": (first.told_by if first else None) or "nothing",
        "judged": "yes" if judged else "elsewhere" if first and first.told_by else "no",
        "counted": sum(told) if told else "–",
        "rows": sum(one.rows for one in counts),
        "differ": sum(one.differs for one in counts) if judged else "–",
    }


def imports_under_way(audit: Audit) -> pd.DataFrame:
    """The imports that are still under way, by tenant: what they count is not judged.

    needs: conserved
    key: resource, tenant
    show: resource, tenant, settled, under_way
    """
    lines: dict[tuple[str, str], Row] = {}
    for chain in chains(audit):
        try:
            found = counted(audit, chain)
        except (QueryError, RelationMissing):
            continue  # the check says why
        for one in found:
            place = {"resource": chain.resource, "tenant": one.tenant, "settled": 0, "under_way": 0}
            line = lines.setdefault((chain.resource, one.tenant), place)
            line["settled" if one.is_settled else "under_way"] += 1
    return pd.DataFrame(list(lines.values()), dtype=object)


def pushed_steps(audit: Audit) -> pd.DataFrame:
    """Each step of the import that was pushed through: when it was seen, from the request on, and what was seen.

    needs: push, apis, conserved
    key: step
    show: step, after, seen
    """
    seen = pushed_before(audit) if audit.parameters.acting else None  # nothing is pushed for a table
    steps = seen["steps"] if seen else []
    return pd.DataFrame(
        [{"step": one["step"], "after": span(one["seconds"]), "seen": one["told"]} for one in steps], dtype=object
    )
