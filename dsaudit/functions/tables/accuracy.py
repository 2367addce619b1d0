"""Tables of phase 5: how many there are on every side, which are missing, which fields differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pandas as pd

from dsaudit.functions import accuracy
from dsaudit.functions.accuracy import field_differences
from dsaudit.reconcile import Sides, sides
from dsaudit.verdict import causes

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


def records_at_source(audit: Audit) -> pd.DataFrame:
    """Every record of the source: its place in the order of ids, when it changed, whether it is missing here.

    needs: source
    """
    lines: list[Row] = []
    for name in audit.parameters.resources:
        both = sides(audit, name, whole=True)
        keys = sorted(both.source, key=lambda key: (len(key[1]), key[1]))  # numbers in their order
        for place, key in enumerate(keys):
            missing = not both.live(key) and not both.in_flight(key)
            where = {"tenant": key[0], "resource": name, "place": place / max(len(keys) - 1, 1)}
            lines.append({**where, "changed_at": both.changed(key), "missing": missing})
    return pd.DataFrame(lines, dtype=object)


def differences_by_cause(audit: Audit) -> pd.DataFrame:
    """Records that are missing, extra or different, by the cause of it; each is counted once for a cause.

    needs: source
    show: group, cause, class
    """
    checks = [accuracy.source_missing_in_refined, accuracy.refined_missing_at_source, accuracy.field_differences]
    if audit.parameters.raw:
        checks += [accuracy.source_missing_in_raw, accuracy.raw_differs_from_source]
    rows = [row for check in checks for row in check(audit)[0].to_dict("records")]
    records = {(row["resource"], row["cause"], row["tenant"], row["source_id"]) for row in rows}
    counts = Counter((resource, cause) for resource, cause, _, _ in records)
    lines = [
        {"group": causes.group(cause), "cause": cause, "class": causes.kind(cause), "resource": name, "records": count}
        for (name, cause), count in counts.items()
    ]
    lines.sort(key=lambda one: (causes.GROUPS.index(one["group"]), one["cause"], -one["records"], one["resource"]))
    return pd.DataFrame(lines, columns=["group", "cause", "class", "resource", "records"], dtype=object)


def differing_fields(audit: Audit) -> pd.DataFrame:
    """Fields that differ from the source, and how.

    needs: source
    show: field, kind
    """
    rows, examined = field_differences(audit)
    compared = {(line["tenant"], line["resource"]): line["examined"] for line in examined.to_dict("records")}
    counts = Counter((row["tenant"], row["resource"], row["field"], row["kind"]) for row in rows.to_dict("records"))
    return pd.DataFrame(
        [
            {"tenant": tenant, "resource": resource, "field": field, "kind": kind, "records": count,
             "compared": compared[tenant, resource]}
            for (tenant, resource, field, kind), count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        ],
        dtype=object,
    )  # fmt: skip
