"""What a missing record hangs on: its parents, its place among their children, its own row that was removed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from dsaudit.reconcile import origins
from dsaudit.reconcile.asking import ask
from dsaudit.reconcile.contents import fetched
from dsaudit.reconcile.transport import instant_text
from dsaudit.source.recording import items_in

if TYPE_CHECKING:
    from dsaudit.audit import Audit
    from dsaudit.reconcile.origins import Key, Origins


def add(audit: Audit, explains: str, facts: pd.DataFrame, found: Origins) -> pd.DataFrame:
    """Add ``parent_lacking``, ``beyond_cut``, ``removed`` and ``removal`` to the facts of missing records."""
    none = pd.Series(None, index=facts.index, dtype=object)
    facts = facts.assign(parent_lacking=none, beyond_cut=none, removed=False, removal=none)
    if explains not in ("missing", "missing in raw"):
        return facts
    if explains == "missing":
        facts["parent_lacking"] = _parents_lacking(audit, facts, found)
    facts["beyond_cut"] = _beyond_cut(facts, found)
    facts["beyond_cut"] = facts["beyond_cut"].where(_in_payload_of_top(audit, facts))
    return _removed(facts, explains)


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


def _beyond_cut(facts: pd.DataFrame, found: Origins) -> list[int | None]:
    """Return how many of an embedded list are here where they are its first ones, and the record is a later one."""
    keys = [*zip(facts["tenant"], facts["resource"], facts["source_id"], strict=True)]
    missing = set(keys)
    never = facts["raw_row"].isna() | facts["raw_deleted"].eq(True)
    present = ((facts["top_changed"] >= facts["changed_at"]) & never & facts["twin"].isna()).tolist()
    cut: list[int | None] = []
    for key, is_present in zip(keys, present, strict=True):
        ids = [one.source_id for one in found.family(key)] if is_present else []
        here = [(*key[:2], one) not in missing for one in ids]
        first = sum(here)
        cut.append(first if first and all(here[:first]) and key[2] in ids[first:] else None)
    return cut


def _in_payload_of_top(audit: Audit, facts: pd.DataFrame) -> pd.Series:
    """Return whether the newest payload of the record that one stands in holds it: the list was cut here, not there."""
    part = facts.loc[facts["beyond_cut"].notna(), ["tenant", "top_resource", "top_id"]]
    part = part.set_axis(["tenant", "resource", "source_id"], axis=1)
    newest: dict[Any, Any] = {}
    for place, _, _, payload in fetched(audit, part, pd.Series(None, index=part.index, dtype=object)):
        newest.setdefault(place, payload)
    wanted = facts.loc[[*newest], ["resource", "source_id"]].itertuples(index=False, name=None)
    holds = {
        place: any(item.source_id == source_id for item in items_in(audit.parameters, str(name), newest[place]))
        for place, (name, source_id) in zip(newest, wanted, strict=True)
    }
    return pd.Series(facts.index.map(lambda place: holds.get(place, False)), index=facts.index).astype(bool)


def _removed(facts: pd.DataFrame, explains: str) -> pd.DataFrame:
    """Tell whose row was marked as deleted, or recorded as a deletion, after its last change at the source."""
    told = facts["raw_deleted"].eq(True) & (facts["raw_received"] > facts["changed_at"])
    told &= facts["beyond_cut"].isna()
    refined = facts["raw_state"].eq("processed") & facts["raw_deleted"].eq(False)
    alone = ~facts["has_raw"] & (facts["refined_at"] > facts["changed_at"])
    marked = facts["gone"].eq(True) & (refined | alone) if explains == "missing" else told & False
    by_row = facts.loc[marked, "refined_at"].map(instant_text)
    by_raw = facts.loc[told & ~marked, ["raw_row", "raw_received"]].itertuples(index=True, name=None)
    words = {place: f"its refined row is marked as deleted, last written {at}" for place, at in by_row.items()}
    words |= {
        place: f"raw row {row}, received {instant_text(at)}, says that it is deleted" for place, row, at in by_raw
    }
    removal = {place: f"the source has it; {said}" for place, said in words.items()}
    return facts.assign(removed=told | marked, removal=pd.Series(removal, index=facts.index, dtype=object))
