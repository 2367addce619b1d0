"""What a missing record hangs on: its parents, its place among their children, its own row that was removed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pandas as pd

from dsaudit.reconcile import lists, origins
from dsaudit.reconcile.asking import ask
from dsaudit.reconcile.contents import fetched
from dsaudit.source.recording import items_in

if TYPE_CHECKING:
    from dsaudit.audit import Audit
    from dsaudit.reconcile.origins import Key, Origins


def add(audit: Audit, explains: str, facts: pd.DataFrame, found: Origins) -> pd.DataFrame:
    """Add ``parent_lacking``, ``beyond_cut``, ``cut_words``, ``removed`` and ``deletion_came`` of missing records."""
    none = pd.Series(None, index=facts.index, dtype=object)
    facts = facts.assign(parent_lacking=none, beyond_cut=none, cut_words=none, removed=False, deletion_came=none)
    if explains not in ("missing", "missing in raw"):
        return facts
    if explains == "missing":
        facts["parent_lacking"] = _parents_lacking(audit, facts, found)
    return _removed(_beyond_cut(audit, facts, found), explains)


def _parents_lacking(audit: Audit, facts: pd.DataFrame, found: Origins) -> list[str | None]:
    """Return for each line which resource the record cannot be without has no live row of its own."""
    waiting = facts["raw_state"].isin(("pending", "skipped")).tolist()
    keys = [*zip(facts["tenant"], facts["resource"], facts["source_id"], strict=True)]
    of = [
        [*origins.parents(audit, key[1], found.items.get(key))] if waits else []
        for key, waits in zip(keys, waiting, strict=True)
    ]
    wanted = pd.DataFrame(
        [{"tenant": key[0], "name": name, "id": one} for key, own in zip(keys, of, strict=True) for name, one in own],
        columns=["tenant", "name", "id"],
        dtype=object,
    ).drop_duplicates()
    here: set[Key] = set()
    for name, part in wanted.groupby("name", sort=False):
        arrays = pd.DataFrame({"tenants": part["tenant"], "ids": part["id"]}, dtype=object)
        answer = ask(audit, "refined", arrays, str(name))
        live: list[int] = answer.loc[~answer["gone"].astype(bool), "place"].tolist() if len(answer) else []
        here |= {(part["tenant"].iloc[one], str(name), part["id"].iloc[one]) for one in live}
    return [
        next((name for name, one in own if (key[0], name, one) not in here), None)
        for key, own in zip(keys, of, strict=True)
    ]


def _beyond_cut(audit: Audit, facts: pd.DataFrame, found: Origins) -> pd.DataFrame:
    """Tell how many of an embedded list are here where it was cut off before the record.

    That its last ones are missing does not prove a cut. That they are several, and what is here fills a page, does, or
    that lists of several lengths end at the same number.
    """
    cuts = _firsts(facts, found)
    held = _in_payload_of_top(audit, facts.loc[[*cuts]])
    names = facts.loc[held, "resource"].to_dict()
    lengths: dict[tuple[str, int], set[int]] = {}
    for place, name in names.items():
        first, length = cuts[place]
        lengths.setdefault((name, first), set()).add(length)
    sizes = lists.page_sizes(audit)
    beyond: dict[Any, int] = {}
    words: dict[Any, str] = {}
    for place, name in names.items():
        first, length = cuts[place]
        if len(lengths[name, first]) > 1:
            beyond[place], words[place] = first, "as many as of lists of other lengths"
        elif first in sizes and length - first >= lists.SMALLEST_PAGE:
            beyond[place], words[place] = first, "which is the size of a page"
    told = {"beyond_cut": beyond, "cut_words": words}
    return facts.assign(**{name: pd.Series(one, index=facts.index, dtype=object) for name, one in told.items()})


def _firsts(facts: pd.DataFrame, found: Origins) -> dict[Any, tuple[int, int]]:
    """Return for each line whose parent's first children alone are here how many these are, and how many there are."""
    keys = [*zip(facts["tenant"], facts["resource"], facts["source_id"], strict=True)]
    missing = set(keys)
    never = facts["raw_row"].isna() | facts["raw_deleted"].eq(True)
    present = ((facts["top_changed"] >= facts["changed_at"]) & never & facts["twin"].isna()).tolist()
    of_parent: dict[Key, tuple[int, int] | None] = {}
    firsts: dict[Any, tuple[int, int]] = {}
    for place, key, is_present in zip(facts.index, keys, present, strict=True):
        family = found.family(key) if is_present else []
        if not family:
            continue
        parent = (*key[:2], str(family[0].parent_id))
        if parent not in of_parent:
            here = [(*key[:2], one.source_id) not in missing for one in family]
            first = sum(here)
            of_parent[parent] = (first, len(here)) if first and all(here[:first]) else None
        if (found_here := of_parent[parent]) is not None:
            firsts[place] = found_here
    return firsts


def _in_payload_of_top(audit: Audit, facts: pd.DataFrame) -> list[Any]:
    """Return the lines that the newest payload of the record they stand in holds: the list was cut here, not there."""
    newest: dict[Key, set[Key]] = {}
    for top, _, held in versions(audit, facts):
        newest.setdefault(top, held)
    keys = zip(facts["tenant"], facts["resource"], facts["source_id"], strict=True)
    tops = zip(facts["tenant"], facts["top_resource"], facts["top_id"], strict=True)
    return [place for place, key, top in zip(facts.index, keys, tops, strict=True) if key in newest.get(top, ())]


def versions(audit: Audit, children: pd.DataFrame) -> Iterator[tuple[Key, str, set[Key]]]:
    """Yield what was received of each record that children stand in, newest first: record, raw row, those it holds.

    `children` has tenant, resource, source_id, top_resource and top_id.
    """
    inside: dict[Key, dict[str, set[str]]] = {}
    columns = ("tenant", "resource", "source_id", "top_resource", "top_id")
    for tenant, name, source_id, top, top_id in zip(*(children[one] for one in columns), strict=True):
        inside.setdefault((tenant, top, top_id), {}).setdefault(name, set()).add(source_id)
    tops = [*inside]
    part = pd.DataFrame(tops, columns=["tenant", "resource", "source_id"], dtype=object)
    for line, _, row, payload in fetched(audit, part, pd.Series(None, index=part.index, dtype=object)):
        tenant = tops[line][0]
        found = (
            (tenant, name, item.source_id)
            for name, ids in inside[tops[line]].items()
            for item in items_in(audit.parameters.whole, name, payload)
            if item.source_id in ids
        )
        yield tops[line], row, set(found)


def _removed(facts: pd.DataFrame, explains: str) -> pd.DataFrame:
    """Tell whose row was marked as deleted here alone, after its last change at the source, and whose deletion came.

    Where one came, whether it was stored or not, the source said so itself, and nobody here is to blame.
    """
    stored = facts["raw_deleted"].eq(True) & (facts["raw_received"] > facts["changed_at"])
    came = facts["raw_received"].where(stored, facts["deletion_at"])
    refined = facts["raw_state"].eq("processed") & facts["raw_deleted"].eq(False)
    alone = ~facts["has_raw"] & (facts["refined_at"] > facts["changed_at"])
    marked = facts["gone"].eq(True) & (refined | alone) & came.isna() & (explains == "missing")
    return facts.assign(removed=marked, deletion_came=came)
