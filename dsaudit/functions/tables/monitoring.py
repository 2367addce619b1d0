"""What the alerts of `dsaudit monitor` would say at this instant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from psycopg import sql

from dsaudit.database import QueryError, RelationMissing
from dsaudit.monitoring import Metric, Queries, measured

if TYPE_CHECKING:
    from dsaudit.audit import Audit


def alerts_now(audit: Audit) -> pd.DataFrame:
    """What the alerts would say at this instant, by the queries that an exporter would run.

    show: metric, severity, now, limit, would_fire, worst
    """
    alarming = [metric for metric in measured(audit.parameters) if metric.limits(audit.parameters)]
    return pd.DataFrame([_now(audit, metric) for metric in alarming], dtype=object)


def _now(audit: Audit, metric: Metric) -> dict[str, object]:
    limits = sorted({*metric.limits(audit.parameters).values()})
    told = {
        "metric": metric.name,
        "severity": metric.severity,
        "now": "",
        "limit": f"at most {' or '.join(map(metric.told, limits))}",
    }
    try:
        values = values_now(audit, metric)
    except (QueryError, RelationMissing) as error:
        return {**told, "now": f"cannot be asked: {error}", "would_fire": "not known", "worst": ""}
    given = (metric.limit_of(row, audit.parameters) for row in values.to_dict("records"))
    limit = [float("inf") if one is None else one for one in given]
    beyond = int((values["value"] > limit).sum())
    worst = values.sort_values("value", ascending=False, na_position="last", kind="stable").iloc[0]
    is_some = worst["value"] == worst["value"] and not (metric.unit == "count" and worst["value"] == 0)
    where = ", ".join(str(worst[label]) for label in metric.labels if is_some)
    fires = f"yes, {beyond} of {len(values)}" if beyond else "no"
    return {**told, "now": metric.told(worst["value"]), "would_fire": fires, "worst": where}


def values_now(audit: Audit, metric: Metric) -> pd.DataFrame:
    """Return the metric's labels and values at the audit's instant."""
    queries = Queries(audit.parameters, f"timestamptz '{audit.instant}'", lambda name: _named(audit, name))
    query = metric.query(queries).replace("%", "%%")
    frame = audit.database.query(query, most=None).frame
    return frame.assign(value=frame["value"].astype(float))


def _named(audit: Audit, name: str) -> str:
    info = audit.relations.table(name)
    return sql.Identifier(info.schema, info.name).as_string(None)
