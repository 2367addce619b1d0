"""Tables of what the system's own API serves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from dsaudit.database import QueryError, RelationMissing
from dsaudit.facts.served import served
from dsaudit.source import SourceError

if TYPE_CHECKING:
    from dsaudit.audit import Audit


def endpoints(audit: Audit) -> pd.DataFrame:
    """Each endpoint, for each tenant: the rows that it has to serve, what it gave, and what stood in the way.

    needs: apis
    key: tenant, endpoint
    show: tenant, resource, endpoint, problem
    """
    try:
        one = served(audit)
    except (SourceError, QueryError, RelationMissing) as error:
        return pd.DataFrame([{"tenant": None, "endpoint": None, "problem": str(error)}], dtype=object)
    lines: dict[tuple[str, str], dict[str, object]] = {}
    for part in one.parts:
        key = (part.owner.tenant, part.endpoint.name)
        if part.owner.tenant not in audit.parameters.tenant_names:
            continue
        line = lines.setdefault(
            key, {"tenant": key[0], "resource": part.endpoint.resource, "endpoint": key[1], **dict.fromkeys(COUNTED, 0)}
        )
        counts = (1, len(part.rows), sum(map(len, part.records.values())), len(part.singles))
        for name, count in zip(COUNTED, counts, strict=True):
            line[name] = int(str(line[name])) + count
        line["problem"] = part.problem or line.get("problem")
    return pd.DataFrame(list(lines.values()), dtype=object)


COUNTED = ("owners", "rows", "records", "by_id")
