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
from dsaudit.verdict.causes import EXPECTED

if TYPE_CHECKING:
    from dsaudit.audit import Audit


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
        _add_wrong(audit, rows)
        examined.attrs["bounds"] = _bounds(audit)
        limits += bounds.told(examined.attrs["bounds"])
        limits.append(SAMPLE)
    examined.attrs["limits"] = [*examined.attrs.get("limits", []), *limits]


SAMPLE = (
    "the bound counts records drawn uniformly from the ids that our tables know, each with what is nested in it; those "
    "at boundaries were looked at besides. What the source has and our tables never knew was looked for in the first "
    "page of its list alone, or in the whole list where that was read"
)


def _add_wrong(audit: Audit, rows: pd.DataFrame) -> None:
    """Note which records of own lists were found wrong, by this check or an earlier one of the phase."""
    wrong: dict[str, set[tuple[str, str]]] = audit.kept.setdefault("wrong", {})
    for row in rows.to_dict("records"):
        if row["cause"] not in EXPECTED:
            name, source_id = _top(audit, row["tenant"], row["resource"], row["source_id"])
            wrong.setdefault(name, set()).add((row["tenant"], source_id))


def _top(audit: Audit, tenant: str, name: str, source_id: str) -> tuple[str, str]:
    """Return the record of an own list that one belongs to; of a nested one without its parent, itself."""
    if not audit.parameters.resources[name].nested:
        return name, source_id
    top, top_id = top_of(audit, name, sides(audit, name).source.get((tenant, source_id)))
    return top, top_id or ALONE + source_id


ALONE = "\0"  # no id begins so


def _bounds(audit: Audit) -> dict[str, list[int]]:
    found: dict[str, Any] = {}
    wrong: dict[str, set[tuple[str, str]]] = audit.kept["wrong"]
    for name, resource in audit.parameters.resources.items():
        drawn = {(tenant, one) for tenant, ids in audit.source.uniform(name).items() for one in ids}
        if not resource.read or not drawn or any(audit.source.problem(t, name) for t in audit.parameters.tenant_names):
            continue
        # One whose record is not known may belong to any: it counts as if it were of another one that was drawn.
        of_drawn = [key for key in wrong.get(name, set()) if key in drawn or key[1].startswith(ALONE)]
        found[name] = [min(len(of_drawn), len(drawn)), len(drawn), audit.source.known(name)]
    return found


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
