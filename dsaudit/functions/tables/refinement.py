"""Tables of phase 7: failures by class of their message, with nothing in it that could come from the data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from dsaudit.facts import messages

if TYPE_CHECKING:
    from dsaudit.audit import Audit

MESSAGES = """
select tenant, resource, error as message, count(*) as records, min(received_at) as first, max(received_at) as last
from {raw} as r where state = 'error' group by 1, 2, 3
"""


def error_classes(audit: Audit) -> pd.DataFrame:
    """Failed refinements by the class of their message; numbers and all that may be data are left out.

    needs: raw
    show: class
    """
    frame = audit.query(MESSAGES)
    if not len(frame):
        return pd.DataFrame()
    known = messages.names(audit.parameters, audit.database)
    frame["class"] = [messages.template(message, known) for message in frame["message"]]
    grouped = frame.groupby(["tenant", "resource", "class"], as_index=False)
    counted = grouped.agg({"records": "sum", "first": "min", "last": "max"})
    return counted.sort_values(["records", "tenant", "resource", "class"], ascending=[False, True, True, True])
