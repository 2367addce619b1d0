"""What a comparison of a part proves and what it cannot: the bound of a sample, the limits of a look at changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from dsaudit.database.relations import parent_relation
from dsaudit.parameters.part import since_text
from dsaudit.reconcile.origins import top_of
from dsaudit.reconcile.sides import sides
from dsaudit.verdict import bounds
from dsaudit.verdict.card import plural
from dsaudit.verdict.causes import EXPECTED, group

if TYPE_CHECKING:
    from dsaudit.audit import Audit

Found = dict[str, set[tuple[str, str]]]  # tenant and id of records, by the resource of their list


def note(audit: Audit, rows: pd.DataFrame, examined: pd.DataFrame) -> None:
    """Add to `examined` what its verdict has to say of the part: ``bounds`` and ``limits`` among its attributes."""
    part = audit.parameters.part
    limits: list[str] = []
    if part.since:
        limits.append(
            f"looked at are records that changed since {since_text(part.since)}, by the time that either side tells; a "
            "row that the source deleted since then, and that nothing here tells of, is found by a whole run alone"
        )
    if part.sample:
        _add(audit, rows)
        examined.attrs["bounds"], unjudged = _bounds(audit)
        limits += bounds.told(examined.attrs["bounds"])
        neither = "of those drawn under way still, and counted neither as right nor as wrong"
        limits += [f"{name}: {count} {neither}" for name, count in unjudged]
        limits.append(SAMPLE)
    examined.attrs["limits"] = [*examined.attrs.get("limits", []), *limits]


SAMPLE = (
    "the bound counts records drawn uniformly from the ids that our tables know, each with what is nested in it; those "
    "at boundaries were looked at besides. What the source has and our tables never knew was looked for in the first "
    "page of its list alone, or in the whole list where that was read"
)


def _add(audit: Audit, rows: pd.DataFrame) -> None:
    """Note which records of own lists were found wrong or under way, by this check or an earlier one of the phase."""
    for row in rows.to_dict("records"):
        is_expected = row["cause"] in EXPECTED
        if is_expected and group(row["cause"]) != "late":
            continue
        found: Found = audit.kept.setdefault("under way" if is_expected else "wrong", {})
        name, source_id = _top(audit, row["tenant"], row["resource"], row["source_id"])
        found.setdefault(name, set()).add((row["tenant"], source_id))


def _top(audit: Audit, tenant: str, name: str, source_id: str) -> tuple[str, str]:
    """Return the record of an own list that one belongs to; of a nested one without its parent, itself."""
    if not audit.parameters.resources[name].nested:
        return name, source_id
    top, top_id = top_of(audit, name, sides(audit, name).source.get((tenant, source_id)))
    return top, top_id or ALONE + source_id


ALONE = "\0"  # no id begins so


def _bounds(audit: Audit) -> tuple[dict[str, list[int]], list[tuple[str, int]]]:
    """Return by resource how many are wrong, of how many that were judged, of how many known; how many were not."""
    found: dict[str, Any] = {}
    unjudged = []
    lost = {audit.parameters.top(name) for name, one in audit.kept.get("sides", {}).items() if one.lost}
    for name, resource in audit.parameters.resources.items():
        drawn = {(tenant, one) for tenant, ids in audit.source.uniform(name).items() for one in ids}
        if not resource.read or not drawn or any(audit.source.problem(t, name) for t in audit.parameters.tenant_names):
            continue
        if name in lost:  # nothing of it, or of what is nested in it, was compared
            continue
        wrong, under_way = (_drawn(audit, kind, name, drawn) for kind in ("wrong", "under way"))
        # What may still come right, or not, is neither.
        left_out = min(len(under_way - wrong), len(drawn))
        judged = len(drawn) - left_out
        unjudged += [(name, left_out)] if left_out else []
        found[name] = [min(len(wrong), judged), judged, audit.source.known(name)]
    return found, unjudged


def _drawn(audit: Audit, kind: str, name: str, drawn: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return the records of one kind that were drawn.

    One whose record is not known may belong to any: it counts as if it were of another one that was drawn.
    """
    found: Found = audit.kept.get(kind, {})
    return {key for key in found.get(name, set()) if key in drawn or key[1].startswith(ALONE)}


def perhaps_merged(audit: Audit, name: str) -> bool:
    """Return whether a row that is not at the source may be merged into a record that nobody looked at."""
    return bool(audit.parameters.part.sample and audit.parameters.resources[name].known.merged)


def why_unknown(audit: Audit, tenant: str, name: str) -> str | None:
    """Return why it is not known of some records of a part what the source has of them, or None."""
    if unasked := audit.source.unasked(tenant, name):
        told = f"{plural(unasked, 'record')} changed since then by what our tables tell, and the source's list of"
        return f"{told} changes does not have them; to ask for them it needs one or ids, or leave out since"
    return audit.source.problem(tenant, name)


def why_no_extra(audit: Audit, name: str, tenant: str) -> str | None:
    """Return why a part cannot tell whether each of its rows is at the source, or None."""
    if not audit.parameters.part.by_record:
        return None
    if perhaps_merged(audit, name):
        return "what the source merged into another record, which no sample shows, is known to a whole run alone"
    nested = audit.parameters.resources[name].nested
    if nested and not parent_relation(audit.parameters, name):
        return f"the parameter file has no relation from {name} to {nested.in_}, by which the rows of a part are found"
    return None
