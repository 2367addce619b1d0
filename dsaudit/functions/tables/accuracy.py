"""A table of phase 5: how many records there are on every side."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pandas as pd

from dsaudit.reconcile import Sides, sides

if TYPE_CHECKING:
    from dsaudit.audit import Audit

Row = dict[str, Any]
SOURCE_DOCUMENT = 2  # by so many the source document lets two counts differ


def counts_on_all_sides(audit: Audit) -> pd.DataFrame:
    """Records at the source, received and refined; the last two columns are the source document's and decide nothing.

    needs: source
    show: within_2
    """
    lines = [line for name in audit.parameters.resources for line in _counted(sides(audit, name))]
    return pd.DataFrame(lines, dtype=object)


def _counted(both: Sides) -> Iterator[Row]:
    for tenant in both.tenants:
        source = {key for key in both.source if key[0] == tenant}
        refined = {key for key in both.refined if key[0] == tenant and both.live(key)}
        received = sum(key[0] == tenant and not row["deleted"] for key, row in (both.raw or {}).items())
        known = tenant not in both.problems
        agreed = both.agreed[tenant]
        apart = len(refined) - len(source)
        at_source = len(source) + agreed
        counted = known or both.whole
        yield {
            "tenant": tenant,
            "resource": both.name,
            "at_source": at_source if known else None,
            "received": received + agreed if both.raw is not None and counted else None,
            "refined": len(refined) + agreed if counted else None,
            "difference": apart if known else None,
            "in_flight": sum(map(both.in_flight, source | refined)) if known else None,
            "within_2": ("yes" if abs(apart) <= SOURCE_DOCUMENT else "no") if known else "not known",
            "match_percent": round(100 * (len(source & refined) + agreed) / at_source, 2) if at_source else None,
        }
