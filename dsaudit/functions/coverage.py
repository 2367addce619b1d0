"""Phase 2: is each resource covered on the whole of its way?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from dsaudit.facts.coverage import matrix

if TYPE_CHECKING:
    from dsaudit.audit import Audit


def every_resource_is_covered(audit: Audit) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every resource is read, synced, stored, refined and announced by webhook, or the file says why it is not.

    why: a type of data that is left out at one station is left out for good, and no other check looks for it there
    requirement: DS2.3
    severity: high
    scope: resource
    key: missing_at
    show: missing_at, gap
    explains: create_update_delete_covered
    remedy: close the gap, or give its reason in the parameter file (no_webhooks for a resource without topics)
    """
    cells = matrix(audit)
    rows = [{"resource": one.resource, "missing_at": one.way, "gap": one.told} for one in cells if one.state == "gap"]
    examined = []
    for name in audit.parameters.resources:
        own = [one for one in cells if one.resource == name and one.state != "unasked"]
        reason = next((f"{one.way}: {one.told}" for one in own if one.state == "unknown"), None)
        examined.append({"resource": name, "examined": len(own), "reason": reason})
    return pd.DataFrame(rows, dtype=object), pd.DataFrame(examined, dtype=object)
