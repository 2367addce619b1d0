"""What an extra row may have been: a child that its parent held once, or a record that the source does not show."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd

from dsaudit.database.expressions import field_column
from dsaudit.database.relations import parent_relation
from dsaudit.facts import scopes
from dsaudit.reconcile import kin, lists, origins
from dsaudit.reconcile.asking import MOST_PAYLOADS, ask, beside, instants
from dsaudit.source.reading import parse
from dsaudit.source.recording import instant_at

if TYPE_CHECKING:
    from dsaudit.audit import Audit
    from dsaudit.reconcile.origins import Key

A_DAY = timedelta(days=1)  # on the safe side: whose midnight ends the days, the provider does not say
WAITING = ("pending", "error", "held", "skipped")


def add(audit: Audit, explains: str, facts: pd.DataFrame) -> pd.DataFrame:
    """Add ``unlisted``, ``hidden_by``, ``may_have_stood``, ``stood_in`` and ``stood_words`` to extra rows' facts."""
    none = pd.Series(None, index=facts.index, dtype=object)
    facts = facts.assign(unlisted=False, hidden_by=none, may_have_stood=False, stood_in=none, stood_words="")
    if explains != "extra":
        return facts
    is_nested = facts["resource"] != facts["top_resource"]
    filtered = _filtered(audit, facts)
    aged = facts["top_resource"].map(lambda name: audit.parameters.whole.resources[name].known.aged is not None)
    tops = _tops(audit, facts[is_nested & (filtered | aged | facts["raw_row"].isna())])
    facts["top_id"] = facts["top_id"].where(~is_nested, tops)
    facts["hidden_by"] = _hidden(audit, facts)
    facts["unlisted"] = filtered & ~_listed(audit, facts, filtered & is_nested) | facts["hidden_by"].notna()
    return _stood(audit, facts, is_nested & facts["raw_row"].isna())


def _tops(audit: Audit, part: pd.DataFrame) -> pd.Series:
    """Return the id of the own list's record that each row hangs on here, by the refined rows between them."""
    found = [_climbed(audit, str(name), own) for name, own in part.groupby("resource", sort=False)]
    return pd.concat(found) if found else pd.Series(dtype=object)


def _climbed(audit: Audit, name: str, part: pd.DataFrame) -> pd.Series:
    parameters, ids = audit.parameters.whole, part["source_id"]
    while nested := parameters.resources[name].nested:
        relation = parent_relation(parameters, name)
        keys = pd.DataFrame({"tenants": part.loc[ids.index, "tenant"], "ids": ids}, dtype=object)
        bare = keys.reset_index(drop=True)
        answer = ask(audit, "parents", bare, relation=relation.name) if relation else pd.DataFrame()
        ids = beside(bare, answer, ["parent_id"])["parent_id"].set_axis(keys.index).dropna()
        name = nested.in_
    return ids


def _filtered(audit: Audit, facts: pd.DataFrame) -> pd.Series:
    """Return whose list has only what is listed where nothing is asked for: what it lacks may be there all the same."""
    of = [*zip(facts["tenant"], facts["top_resource"], strict=True)]
    filtered = {one for one in set(of) if _has_defaults_alone(audit, *one)}
    return pd.Series([one in filtered for one in of], index=facts.index) & facts["asked"].ne(True)


def _has_defaults_alone(audit: Audit, tenant: str, name: str) -> bool:
    resource = audit.parameters.whole.resources[name]
    if not resource.known.by_default:
        return False
    return all(lists.is_default(resource, item.record) for item in audit.source.items(tenant, name))


def _hidden(audit: Audit, facts: pd.DataFrame) -> pd.Series:
    """Return, in words, without which scope the source's list shows no record as old as what a row hangs on."""
    hidden = pd.Series(None, index=facts.index, dtype=object)
    for (tenant, name), part in facts.groupby(["tenant", "top_resource"], sort=False):
        if limit := _limit(audit, str(tenant), str(name)):
            since, words = limit
            # What was created nobody knows when may be as old.
            hidden[part.index[~(_created(audit, str(name), part) >= since)]] = words
    return hidden


def _limit(audit: Audit, tenant: str, name: str) -> tuple[datetime, str] | None:
    """Return since when created records are listed, and why older ones are not; None where the list has all."""
    resource = audit.parameters.whole.resources[name]
    aged = resource.known.aged
    if aged is None:
        return None
    told = scopes.told_by_provider(audit, tenant)
    if told is not None and not scopes.lacking(audit, told, [aged.scope])[0]:
        return None
    created = (instant_at(item.record, resource.known.created) for item in audit.source.items(tenant, name))
    oldest = min(filter(None, created), default=None)
    limit = datetime.fromisoformat(audit.instant) - timedelta(days=aged.days)
    if told is None and oldest and oldest < limit - A_DAY:
        return None  # whatever was granted, older ones are listed
    words = "is not granted" if told is not None else "is not known to be granted"
    since = min(filter(None, (oldest, limit + A_DAY)))
    return since, f"{aged.scope} {words}, and without it no {name} older than {aged.days} days is listed"


def _created(audit: Audit, name: str, part: pd.DataFrame) -> pd.Series:
    """Return when the record that each row hangs on was created, as its own refined row has it."""
    column = scopes.created_column(audit.parameters.whole.resources[name])
    keys = pd.DataFrame({"tenants": part["tenant"], "ids": part["top_id"]}, dtype=object).reset_index(drop=True)
    answer = ask(audit, "refined_values", keys, name, most=MOST_PAYLOADS, strangers=False) if column else pd.DataFrame()
    values = beside(keys, answer, ["payload"])["payload"]
    times = [parse(one)[field_column(str(column))] if isinstance(one, str) else None for one in values]
    return instants(pd.Series(times, index=part.index, dtype=object))


def _listed(audit: Audit, facts: pd.DataFrame, wanted: pd.Series) -> pd.Series:
    """Return whether the record that a row hangs on is in the source's list, for those that are wanted."""
    part = facts.loc[wanted & facts["top_id"].notna(), ["tenant", "top_resource", "top_id"]]
    keys: list[Key] = [*part.itertuples(index=False, name=None)]
    found = origins.find(audit, keys).items
    there = [place for place, key in zip(part.index, keys, strict=True) if key in found]
    return pd.Series(facts.index.isin(there), index=facts.index)


def _stood(audit: Audit, facts: pd.DataFrame, wanted: pd.Series) -> pd.DataFrame:
    """Tell which children stood in a version received of the record that they hang on.

    What the newest version is without, where that still waits to be refined, is no deletion that was missed.
    """
    part = facts[wanted & facts["top_id"].notna() & facts["has_raw"]]
    keys = [*part[["tenant", "resource", "source_id"]].itertuples(index=False, name=None)]
    tops = [*part[["tenant", "top_resource", "top_id"]].itertuples(index=False, name=None)]
    read: set[Key] = set()
    held_by: dict[Key, str] = {}
    for top, row, held in kin.versions(audit, part):
        read.add(top)
        for key in held:
            held_by.setdefault(key, row)
    newest = _newest(audit, [*read]) if read else {}
    stood: dict[Any, str] = {}
    words: dict[Any, str] = {}
    never = set()
    for place, key, top in zip(part.index, keys, tops, strict=True):
        row, state = newest.get(top, (None, None))
        if key not in held_by:
            never |= {place} if top in read else set()
        elif held_by[key] == row or state not in WAITING:
            stood[place] = held_by[key]
            words[place] = "" if held_by[key] == row else "; the newest version of that is without it"
    # What has no raw rows of its own may have come inside any other record.
    is_cleared = facts.index.isin(never) & facts["embedded"].ne(True)
    told = {"stood_in": stood, "stood_words": words}
    columns = {name: pd.Series(one, index=facts.index, dtype=object) for name, one in told.items()}
    return facts.assign(may_have_stood=(facts["resource"] != facts["top_resource"]) & ~is_cleared, **columns)


def _newest(audit: Audit, tops: list[Key]) -> dict[Key, tuple[Any, Any]]:
    """Return raw row and state of the newest version received of each record."""
    keys = pd.DataFrame(tops, columns=["tenants", "resources", "ids"], dtype=object)
    found = beside(keys, ask(audit, "newest_raw", keys), ["raw_row", "raw_state"])
    return dict(zip(tops, zip(found["raw_row"], found["raw_state"], strict=True), strict=True))
