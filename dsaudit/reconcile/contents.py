"""What is held against what, value by value: the source's record, the payloads received, the rows of other tenants.

Adds to the facts of `dsaudit.reconcile.evidence`. Payloads are fetched for a few thousand keys at a time and not kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pandas as pd

from dsaudit.database.expressions import field_column
from dsaudit.parameters import Resource
from dsaudit.parameters.fields import FieldOf
from dsaudit.reconcile.asking import MOST_PAYLOADS, ask, instants
from dsaudit.reconcile.kinds import LIKE_A_ZONE
from dsaudit.reconcile.values import agree, as_declared, frozen, same_json, typed
from dsaudit.source.reading import parse, value_at
from dsaudit.source.recording import changed_at

if TYPE_CHECKING:
    from dsaudit.audit import Audit
    from dsaudit.reconcile.origins import Key, Origins
    from dsaudit.source.recording import Item

TOO_LARGE = {"smallint": 2**15, "integer": 2**31}  # for a column of that type
SEVERAL = 3  # rows that are off alike not by chance
SEASONS = 2  # a zone has one offset in winter and one in summer
OF_TYPE = ("too_large", "scaled", "zoned")
HELD = ("held_by", "perhaps_held")  # by another tenant, whose account does not have it, or may have it
Content = dict[str, Any]


def add(audit: Audit, explains: str, facts: pd.DataFrame, found: Origins) -> pd.DataFrame:
    """Add what only the values themselves tell."""
    none = ("raw_right", "partial", "twin", "same_as_older", "owned_by", "taken_for", "built_right", *HELD, *OF_TYPE)
    facts = facts.assign(**{name: pd.Series(None, index=facts.index, dtype=object) for name in none})
    if explains in ("field", "old in raw"):
        _of_their_type(audit, facts, found)
        _against_own_payload(audit, facts, found)
        _against_older_versions(audit, facts, found)
        _against_version_built_from(audit, facts)
    elif explains == "extra":
        _against_other_sources(audit, facts, found)
    else:
        _against_other_tenants(audit, facts, found)
        _against_siblings(audit, facts, found)
    for name in ("partial", *OF_TYPE):
        facts[name] = facts[name].eq(True)
    return facts


def alike(resource: Resource, record: Content, payload: Content) -> bool:
    """Return whether a payload is a record: the fields that are declared may agree with another one's by chance.

    The payload of an embedded record may say more, such as what it stood in.
    """
    names = {*record, *payload} if resource.read else {*record}
    return all(same_json(record.get(name), payload.get(name)) for name in names)


def _row_alike(resource: Resource, record: Content, row: Content) -> bool:
    """Return whether a refined row says of all declared fields what a record says, an instant among them.

    Two records may well have one name or price; to the second of one instant they do not.
    """
    is_dated = False
    for column, one in resource.fields.items():
        there = as_declared(record, one)
        if not agree(there, typed(row.get(field_column(column)), one.as_), one):
            return False
        is_dated = is_dated or isinstance(there, datetime)
    return is_dated


def _keys(facts: pd.DataFrame) -> Iterator[tuple[Any, Key]]:
    return zip(facts.index, zip(facts["tenant"], facts["resource"], facts["source_id"], strict=True), strict=True)


def fetched(
    audit: Audit, part: pd.DataFrame, rows: pd.Series | None, strangers: bool = False, ids: pd.Series | None = None
) -> Iterator[tuple[Any, str, str, Content]]:
    """Yield line in `part`, tenant, raw row and payload of the raw rows named, or of all of each key, newest first."""
    arrays = pd.DataFrame({"tenants": part["tenant"], "resources": part["resource"]}, dtype=object)
    arrays = arrays.assign(ids=part["source_id"] if ids is None else ids, rows=rows)
    for start in range(0, len(part), MOST_PAYLOADS):
        piece = arrays.iloc[start : start + MOST_PAYLOADS]
        for line in ask(audit, "payloads", piece, strangers=strangers).to_dict("records"):
            content = parse(line["payload"])
            if isinstance(content, dict):
                yield piece.index[line["place"]], line["tenant"], line["row_id"], content


def _refined(audit: Audit, part: pd.DataFrame, strangers: bool) -> Iterator[tuple[Any, str, str, Content]]:
    """Yield the same of refined rows, where nothing raw is kept."""
    for name, own in part.groupby("resource", sort=False):
        arrays = pd.DataFrame({"tenants": own["tenant"], "ids": own["source_id"]}, dtype=object)
        for line in ask(audit, "refined_values", arrays, str(name), strangers=strangers).to_dict("records"):
            yield own.index[line["place"]], line["tenant"], "", parse(line["payload"])


def _against_own_payload(audit: Audit, facts: pd.DataFrame, found: Origins) -> None:
    """Tell whether what was received last has the source's value, lacks the field, or is of another record.

    Where the raw table does not tell when that changed, ``payload_changed`` is what the payload tells of it.
    """
    known = facts[facts["raw_row"].notna() & facts["raw_deleted"].ne(True)]
    current = (known["top_changed"] >= known["changed_at"]).to_dict()
    undated = set(known.index[known["top_changed"].isna()])
    keys, values = dict(_keys(known)), _fields(audit, known)
    told: dict[str, dict[Any, bool]] = {"raw_right": {}, "partial": {}}
    changed: dict[Any, datetime | None] = {}
    for place, _, _, payload in fetched(audit, known, known["raw_row"]):
        key = keys[place]
        item, resource = found.items[key], audit.parameters.resources[key[1]]
        if place in values:
            declared, value = values[place]
            right = agree(value, as_declared(payload, declared), declared)
            absent = declared.from_.split(".")[0] not in payload
        else:
            names = {one for one in item.record if not same_json(item.record.get(one), payload.get(one))}
            right, absent = False, bool(names) and not names & payload.keys()
        if place in undated:
            changed[place] = changed_at(resource, payload)
        told["raw_right"][place] = right
        told["partial"][place] = absent and not right and current[place]
        # An older state of its own may well be the present one of another.
        others = [one for one in found.family(key) if one.source_id != key[2]] if current[place] and not right else []
        if not alike(resource, item.record, payload) and any(alike(resource, one.record, payload) for one in others):
            _mistaken(facts, place, "it holds the content of")
    _put(facts, told)
    facts["payload_changed"] = instants(pd.Series(changed, index=facts.index, dtype=object))


def _fields(audit: Audit, facts: pd.DataFrame) -> dict[Any, tuple[FieldOf, Any]]:
    """Return for each line that is of one field how that is declared, and its value at the source."""
    if "field" not in facts:
        return {}
    lines = zip(facts.index, facts["resource"], facts["field"], facts["at_source"], strict=True)
    resources = audit.parameters.resources
    return {place: (resources[str(name)].fields[str(field)], value) for place, name, field, value in lines}


def _put(facts: pd.DataFrame, told: Mapping[str, Mapping[Any, Any]]) -> None:
    """Set whole columns: to set the cells of very many lines one by one takes longer than to find what is in them."""
    for name, values in told.items():
        facts[name] = pd.Series(values, index=facts.index, dtype=object)


def _of_their_type(audit: Audit, facts: pd.DataFrame, found: Origins) -> None:
    """Tell which differences are those of a type: ``too_large`` for the column, ``scaled`` amounts, ``zoned`` instants.

    Instants that lie apart like a time zone were shifted by one if the value here is the clock face of the source's
    text, or if several rows of the field are off alike, and none by more than a summer's and a winter's offset.
    """
    values = _fields(audit, facts)
    if not values:
        return
    apart = facts[facts["difference"].str.endswith(LIKE_A_ZONE)].groupby(["tenant", "resource", "field"])["difference"]
    several = (apart.transform("nunique") <= SEASONS) & (
        apart.transform(lambda one: one.map(one.value_counts())) >= SEVERAL
    )
    lines = zip(_keys(facts), facts["field"], facts["difference"], facts["in_refined"], strict=True)
    told: dict[str, dict[Any, bool]] = {name: {} for name in OF_TYPE}
    for (place, key), column, difference, here in lines:
        declared, value = values[place]
        if difference == "null here" and type(value) in (int, Decimal):
            told["too_large"][place] = abs(value) >= _most(audit, key[1], column)
        elif " times too " in difference:
            told["scaled"][place] = declared.as_ in ("money", "decimal")
        elif place in several.index:
            there = value_at(found.items[key].record, declared.from_)
            told["zoned"][place] = bool(several[place]) or _clock_face(there) == here
    _put(facts, told)


def _most(audit: Audit, name: str, column: str) -> Decimal:
    """Return the least number that is too large for a column, as far as its type tells."""
    info = audit.relations.table(audit.parameters.resources[name].table)
    return Decimal(TOO_LARGE.get(info.columns.get(column, ""), "Infinity"))


def _clock_face(text: Any) -> datetime | None:
    """Return what a clock shows at an instant, as if it showed UTC."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except (TypeError, ValueError):
        return None


def _mistaken(facts: pd.DataFrame, place: Any, words: str) -> None:
    facts.at[place, "twin"] = True
    facts.at[place, "taken_for"] = f"{words} another record that stands in the same parent"


def _against_older_versions(audit: Audit, facts: pd.DataFrame, found: Origins) -> None:
    """Find the version, received before the newest, that has what the source has now: a change back was swallowed."""
    part = facts[facts["raw_right"].ne(True) & (facts["versions"].fillna(0).astype(int) > 1)]
    keys, rows = dict(_keys(part)), part["raw_row"].astype(str).to_dict()
    for place, _, row, payload in fetched(audit, part, pd.Series(None, index=part.index, dtype=object)):
        key, newest = keys[place], rows[place]
        resource, record = audit.parameters.resources[key[1]], found.items[key].record
        if row != newest and alike(resource, record, payload):
            facts.at[place, "same_as_older"] = row
            facts.at[place, "taken_for"] = f"what it is now came before as raw row {row}, and the newest is {newest}"


def _against_version_built_from(audit: Audit, facts: pd.DataFrame) -> None:
    """Tell whether the version that a refined row was built from has the source's value: its age is no cause then."""
    part = facts[facts["built_from"].notna() & (facts["of_id"] == facts["source_id"])]
    values = _fields(audit, part)
    told = {}
    for place, _, _, payload in fetched(audit, part, part["built_from"]) if values else ():
        declared, value = values[place]
        told[place] = agree(value, as_declared(payload, declared), declared)
    _put(facts, {"built_right": told})


def _against_other_tenants(audit: Audit, facts: pd.DataFrame, found: Origins) -> None:
    """Find the tenant under which a missing record is filed, whose own account does not have it."""
    if len(audit.parameters.whole.tenants) < 2:
        return
    keys = dict(_keys(facts))
    part = facts[[key in found.items for key in keys.values()]]
    same = _row_alike if audit.parameters.raw is None else alike
    for place, tenant, _, content in _elsewhere(audit, part, strangers=True):
        _, name, source_id = keys[place]
        strange = (tenant, name, source_id) not in found.items and (tenant, name) not in found.unread
        record = found.items[keys[place]].record
        if strange and same(audit.parameters.resources[name], record, content):
            # Of a part nobody knows whether that account has the record too.
            is_known = not audit.parameters.part.by_record and tenant in audit.parameters.tenant_names
            facts.at[place, "held_by" if is_known else "perhaps_held"] = tenant


def _elsewhere(audit: Audit, part: pd.DataFrame, strangers: bool) -> Iterator[tuple[Any, str, str, Content]]:
    if audit.parameters.raw is None:
        return _refined(audit, part, strangers)
    return fetched(audit, part, pd.Series(None, index=part.index, dtype=object), strangers)


def _against_other_sources(audit: Audit, facts: pd.DataFrame, found: Origins) -> None:
    """Find the tenant whose account has the record that is filed here."""
    keys = dict(_keys(facts))
    owners = {
        place: [one for one in audit.parameters.tenant_names if one != key[0] and (one, *key[1:]) in found.items]
        for place, key in keys.items()
    }
    part = facts[[bool(one) for one in owners.values()]]
    same = _row_alike if audit.parameters.raw is None else alike
    for place, _, _, content in _elsewhere(audit, part, strangers=False):
        name = keys[place][1]
        for owner in owners[place]:
            record = found.items[owner, name, keys[place][2]].record
            if same(audit.parameters.resources[name], record, content):
                facts.at[place, "owned_by"] = owner


def _against_siblings(audit: Audit, facts: pd.DataFrame, found: Origins) -> None:
    """Find missing records whose content is stored under the id of another one in the same parent."""
    if audit.parameters.raw is None:
        return
    keys = {place: key for place, key in _keys(facts) if key in found.items}
    missing = set(keys.values())
    present = (facts["top_changed"] >= facts["changed_at"]).to_dict()
    wanted: dict[Key, dict[frozenset[str], dict[Any, list[Any]]]] = {}  # of a parent: names, values, lines
    siblings: dict[Key, Item] = {}
    for place, key in keys.items():
        item, family = found.items[key], found.family(key)
        if not present[place] or not family:
            continue
        parent = (*key[:2], str(item.parent_id))
        if parent not in wanted:
            siblings |= {(*key[:2], one.source_id): one for one in family if (*key[:2], one.source_id) not in missing}
        names = frozenset(item.record)
        wanted.setdefault(parent, {}).setdefault(names, {}).setdefault(frozen(item.record), []).append(place)
    ids = [*siblings]
    part = pd.DataFrame(ids, columns=["tenant", "resource", "source_id"], dtype=object)
    judged: set[int] = set()
    for line, _, _, payload in fetched(audit, part, pd.Series(None, index=part.index, dtype=object)):
        key = ids[line]
        is_newest = line not in judged
        judged.add(line)
        if not is_newest or alike(audit.parameters.resources[key[1]], siblings[key].record, payload):
            continue
        for names, places in wanted[(*key[:2], str(siblings[key].parent_id))].items():
            for place in places.get(frozen({name: payload.get(name) for name in names}), ()):
                _mistaken(facts, place, "its content is stored under the id of")
