"""Phase 5: is what the source has in our tables, row by row and field by field?"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

import pandas as pd

from dsaudit.database import SnapshotLost
from dsaudit.reconcile import Differences, Key, Sides, explained, not_looked_at_again, parts, sides, undecided
from dsaudit.reconcile.differences import not_received, not_refined, of_fields, of_payload, surplus

if TYPE_CHECKING:
    from dsaudit.audit import Audit
    from dsaudit.parameters.resource import Relation

Found = tuple[pd.DataFrame, pd.DataFrame]
Row = dict[str, Any]
Compare = Callable[["Audit", Differences], Found]  # holds the sides of every resource against each other


def source_missing_in_raw(audit: Audit) -> Found:
    """Every record of the source was received.

    why: what never arrived cannot be found by any look at our own tables
    requirement: DS5.1
    severity: critical
    scope: tenant, resource
    needs: source, raw
    key: source_id
    show: cause, evidence
    tolerates: differences
    explains: source_missing_in_refined, children_match_payload, webhooks_arrive
    """
    stored = [name for name in audit.parameters.resources if audit.parameters.has_raw_rows(name)]
    return _explained(audit, "missing in raw", not_received, partial(_compare, names=stored))


def source_missing_in_refined(audit: Audit) -> Found:
    """Every record of the source is in its refined table.

    why: this is the promise itself: whoever looks for the record finds it
    requirement: DS5.1
    severity: critical
    scope: tenant, resource
    needs: source
    key: source_id
    show: refined, cause, evidence
    tolerates: differences
    """
    return _explained(audit, "missing", not_refined, partial(_compare, names=list(audit.parameters.resources)))


def refined_missing_at_source(audit: Audit) -> Found:
    """Every live refined row is at the source.

    why: a row that the source no longer has, or never had, is a sale that was cancelled or a customer of somebody else
    requirement: DS5.1, DS5.3
    severity: critical
    scope: tenant, resource
    needs: source
    key: source_id
    show: cause, evidence
    tolerates: differences
    """
    return _explained(audit, "extra", surplus, _extra)


def field_differences(audit: Audit) -> Found:
    """Every declared field of every refined row equals the source's.

    why: a row that is there and wrong is worse than one that is missing, since nobody looks for it
    requirement: DS5.1
    severity: critical
    scope: tenant, resource
    needs: source
    having: fields
    key: source_id, field
    show: field, kind, cause, evidence
    tolerates: differences
    """
    named = [name for name, resource in audit.parameters.resources.items() if resource.fields]
    rows, examined = _explained(audit, "field", of_fields, partial(_shared, names=named, here=Sides.live))
    examined.attrs["limits"] = [*_allowances(audit), *examined.attrs["limits"]]
    return rows, examined


def _allowances(audit: Audit) -> list[str]:
    """Return what the parameter file lets pass or reads in another way, field by field."""
    fields = ((f"{name}.{column}", field) for name, one in audit.parameters.resources.items()
              for column, field in one.fields.items())  # fmt: skip
    return [f"{name}: {field.allowances}" for name, field in fields if field.allowances]


def raw_differs_from_source(audit: Audit) -> Found:
    """The newest version received of every record is the source's present one.

    why: an update that was missed, or a change back that deduplication swallowed, leaves an old version as the newest
    requirement: DS4.1, DS5.1
    severity: high
    scope: tenant, resource
    needs: source, raw
    having: read
    key: source_id
    show: fields, cause, evidence
    tolerates: differences
    explains: field_differences, children_match_payload, webhooks_arrive
    """
    named = [name for name, resource in audit.parameters.resources.items() if resource.read]
    return _explained(audit, "old in raw", of_payload, partial(_shared, names=named, here=Sides.received))


def children_match_payload(audit: Audit) -> Found:
    """Every parent has as many children in their table as its newest payload holds.

    why: children that were cut off by a page limit, or that failed after their parent was stored, are missed by nobody
    requirement: WH3
    severity: high
    scope: tenant, resource
    needs: raw
    having: counted_children
    key: source_id
    remedy: refine the parents again; fetch the embedded list's further pages
    """
    found = _Found()
    for name, resource in audit.parameters.resources.items():
        if not resource.counted_children:
            continue
        parent, path = resource.counted_children
        relation = _relation(audit, name, parent)
        if relation is None:
            found.add([], _unknown(audit, name, f"the parameter file has no relation from {name} to {parent}"))
            continue
        item, place = {"relation": relation.name}, path.split(".")
        try:
            frame = audit.query(CHILDREN, item, [parent], resource_name=parent, path=place).assign(resource=name)
        except SnapshotLost as error:
            found.add([], _unknown(audit, name, str(error)))
            continue
        is_wrong = frame["source_id"].notna()
        wrong, counted = frame[is_wrong].drop(columns="examined"), frame[~is_wrong]
        found.add(wrong.to_dict("records"), counted[["tenant", "resource", "examined"]].to_dict("records"))
    return found.frames()


def _unknown(audit: Audit, name: str, reason: str) -> list[Row]:
    return [{"tenant": one, "resource": name, "reason": reason} for one in audit.parameters.tenant_names]


# What was received a moment ago and is about to be refined is not judged yet; a time that had not yet been is wrong. Of
# the parents that are right the number alone comes, in a row of the tenant without an id.
CHILDREN = """
with parents as (
select p.tenant, p.source_id, newest.in_payload, count(c.key) filter (where not c.deleted) as in_table
from (
  select distinct on (tenant, source_id) tenant, source_id, deleted, state, received_at,
         case jsonb_typeof(payload #> %(path)s::text[])
           when 'array' then jsonb_array_length(payload #> %(path)s::text[]) when 'object' then 1 else 0
         end as in_payload
  from {raw} as r where resource = %(resource_name)s
  order by tenant, source_id, version desc
) as newest
join {parent} as p on p.tenant = newest.tenant and p.source_id = newest.source_id and not p.deleted
left join {child} as c on c.key = p.key and c.tenant = p.tenant
where not newest.deleted
  and not (coalesce(newest.state, 'pending') = 'pending'
           and newest.received_at between
             %(instant)s::timestamptz - make_interval(secs => %(in_flight_seconds)s::double precision)
             and %(instant)s::timestamptz + make_interval(secs => %(clock_error_seconds)s::double precision))
group by p.tenant, p.source_id, p.row_id, newest.in_payload
)
select tenant, null as source_id, null::bigint as in_payload, null::bigint as in_table, count(*) as examined
from parents group by tenant
union all
select tenant, source_id, in_payload, in_table, 0 from parents where in_payload <> in_table
order by tenant, source_id, in_payload, in_table
"""


def _relation(audit: Audit, child: str, parent: str) -> Relation | None:
    relations = (one for one in audit.parameters.relations if one.child.startswith(f"{child}."))
    return next((one for one in relations if one.parent.startswith(f"{parent}.")), None)


class _Found:
    """Collects the lines of rows and examined over all resources."""

    def __init__(self) -> None:
        self._rows: list[Any] = []
        self._examined: list[Any] = []

    def add(self, rows: Iterable[Any], examined: Iterable[Any]) -> None:
        self._rows += rows
        self._examined += examined

    def frames(self) -> Found:
        # A key that is NULL has to sort too.
        ordered = sorted(self._rows, key=lambda row: (row["tenant"], row["resource"], str(row["source_id"])))
        return pd.DataFrame(ordered, dtype=object), pd.DataFrame(self._examined, dtype=object)


def _explained(audit: Audit, explains: str, differences: Differences, compare: Compare) -> Found:
    """Give every difference its cause; kept by the audit, as a table and a plot show the same differences again."""
    kept: dict[str, Found] = audit.kept.setdefault("differences", {})
    if explains not in kept:
        rows, examined = compare(audit, differences)
        rows = explained(audit, explains, rows, differences)
        for scope, words in undecided(rows).items():
            own = (examined["tenant"] == scope[0]) & (examined["resource"] == scope[1])
            examined.loc[own, "reason"] = examined.loc[own, "reason"].fillna(words)
        kept[explains] = rows, examined
        examined.attrs["limits"] = not_looked_at_again(audit)
        parts.note(audit, *kept[explains])
    rows, examined = kept[explains]
    return rows, examined.copy()


def _compare(audit: Audit, missing: Differences, names: list[str]) -> Found:
    """Collect what `missing` yields of every record of the source; what is in flight is told, and was not examined."""
    found = _Found()
    for name in names:
        both = sides(audit, name)
        judged = [key for key in both.source if not both.in_flight(key)]
        found.add((row for key in both.source for row in missing(both, key)), both.examined(judged))
    return found.frames()


def _extra(audit: Audit, differences: Differences) -> Found:
    found = _Found()
    for name in audit.parameters.resources:
        both = sides(audit, name)
        there = [key for key in both.refined if both.live(key) and key[0] not in both.problems]
        there = [key for key in there if not parts.perhaps_merged(audit, name) or key in both.source]
        lines = [*both.examined([key for key in there if not both.in_flight(key)])]
        for line in lines:
            line["reason"] = line["reason"] or parts.why_no_extra(audit, name, line["tenant"])
        found.add((row for key in there for row in differences(both, key)), lines)
    return found.frames()


def _shared(audit: Audit, differences: Differences, names: list[str], here: Callable[[Sides, Key], object]) -> Found:
    """Collect the differences of every record that is at the source and `here`."""
    found = _Found()
    for name in names:
        both = sides(audit, name)
        shared = [key for key in both.source if here(both, key)]
        judged = [key for key in shared if not both.in_flight(key)]
        found.add((row for key in shared for row in differences(both, key)), both.examined(judged))
    return found.frames()
