"""Which resources stand inside another's record: found by looking for the children's rows in the parents' payloads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from dsaudit import naming
from dsaudit.drafting.content import IDS
from dsaudit.drafting.matching import Pair
from dsaudit.drafting.refined import NEARLY, Nested, Refined
from dsaudit.drafting.sampling import Row
from dsaudit.drafting.system import System

MOST_PARENTS = 60
DEEPEST = 2


@dataclass(frozen=True)
class Place:
    """A path in a parent's record that leads to a list of objects, or to one."""

    path: str
    is_list: bool


@dataclass(frozen=True)
class Found:
    """One way to read a child out of its parent: how well the rows agree with it, and the pairs it makes."""

    parent: str
    at: dict[str, str]
    key: tuple[str, ...]
    id_from: list[str]
    share: float
    alike: int  # values that agree beside the key's
    pairs: list[Pair]


Family = list[tuple[dict[str, Any], list[Row]]]  # a parent's record, and its children's rows


def find(child: Refined, parents: Sequence[Refined], system: System, identifier: str) -> Found | None:
    """Return where a child's records stand, None where no sampled parent's record holds its rows."""
    families = [
        (parent, family, link)
        for parent in parents
        if parent is not child and parent.pairs and parent.key and (link := _link(child, parent))
        if (family := _family(child, parent, link, system))
    ]
    found = _best(child, [(parent, family, child.key) for parent, family, _ in families], identifier)
    if found or child.pairs:
        return found
    # Without a constraint that says so, the rows of one parent may still be told apart by a column of theirs.
    free = [(parent, family, key) for parent, family, link in families for key in _keys(child, link[0], family)]
    return _best(child, free, identifier)


def _best(child: Refined, tried: Sequence[tuple[Refined, Family, tuple[str, ...]]], identifier: str) -> Found | None:
    ways = (
        way
        for parent, family, key in tried
        if key
        for way in _ways(replace(child, key=key), parent, family, identifier)
    )
    fitting = [way for way in ways if way.share >= NEARLY]
    return max(fitting, key=lambda way: (way.alike, way.share, _is_named(child, way)), default=None)


def _keys(child: Refined, link: str, family: Family) -> list[tuple[str, ...]]:
    """Return the parent's key with each column that differs among the rows of every sampled parent."""
    groups = [rows for _, rows in family if len(rows) > 1]
    return [
        (link, name)
        for name, column in child.shape.columns.items()
        if groups
        and column.family in IDS
        and name not in (link, child.tenant)
        and not (column.is_given and child.shape.primary == (name,))
        and all(len({str(row[name]) for row in rows} - {"None"}) == len(rows) for rows in groups)
    ]


def adopt(child: Refined, found: Found) -> None:
    """Take what was found into the child."""
    doubt = None if found.share == 1 else f"{found.share:.0%} of the sampled rows stand there"
    child.nested = Nested(found.parent, found.at, doubt)
    child.id_from, child.pairs = found.id_from, found.pairs
    child.guesses = {name: why for name, why in child.guesses.items() if name not in ("key", "id_from")}
    if found.key != child.key:
        child.key = found.key
        child.guesses["key"] = f"it tells all {len(found.pairs)} sampled rows apart; no constraint says so"


def _is_named(child: Refined, way: Found) -> bool:
    return any(naming.one(path.rpartition(".")[2]) in child.name for path in way.at.values())


def _link(child: Refined, parent: Refined) -> tuple[str, str] | None:
    """Return the child's column that refers to a parent, and the parent's: by a foreign key, or the key's name."""
    reference = next((one for one in child.shape.references.values() if one.table == parent.shape.oid), None)
    if reference and reference.parent in parent.shape.columns:
        return reference.column, reference.parent
    key = parent.key[0]
    is_shared = len(parent.key) == 1 and key in child.shape.columns and key not in ("id", "code", "number")
    return (key, key) if is_shared else None


def _family(child: Refined, parent: Refined, link: tuple[str, str], system: System) -> Family:
    """Return parents' records with the rows of the child's table that refer to them."""
    pairs = parent.pairs[:MOST_PARENTS]
    mine, its = link
    if not child.shape.finds(mine, child.tenant):
        return []
    by: dict[str, list[Any]] = {mine: [row[its] for row, _ in pairs]}
    if child.tenant and parent.tenant:
        by[child.tenant] = [row[parent.tenant] for row, _ in pairs]
    rows = system.sampler.found(child.shape, child.shape.columns, by)
    living = [row for row in rows if not (child.deleted and row[child.deleted])]
    grouped: dict[tuple[str, str], list[Row]] = {}
    for row in living:
        grouped.setdefault((str(row.get(child.tenant or "")), str(row[mine])), []).append(row)
    return [
        (record, grouped.get((str(row.get(parent.tenant or "")) if child.tenant else "None", str(row[its])), []))
        for row, record in pairs
    ]


def _ways(child: Refined, parent: Refined, family: Family, identifier: str) -> Iterator[Found]:
    places = list(dict.fromkeys(place for record, _ in family for place in _places(record, "", 0)))
    groups = [{place.path: place.path} for place in places if place.is_list]
    groups += _named_places(child, family, [place.path for place in places if not place.is_list])
    for at in groups:
        ways = [list(_sources(child, column, parent, family, at, identifier)) for column in child.key]
        for id_from in product(*ways):
            yield _judged(child, parent, family, at, list(id_from))


def _places(value: Any, at: str, depth: int) -> Iterator[Place]:
    if not isinstance(value, dict):
        return
    for name, inner in value.items():
        path = f"{at}.{name}" if at else name
        if "." in name:
            continue
        if isinstance(inner, list) and inner and all(isinstance(one, dict) for one in inner):
            yield Place(path, True)
        elif isinstance(inner, dict):
            yield Place(path, False)
            if depth < DEEPEST:
                yield from _places(inner, path, depth + 1)


def _named_places(child: Refined, family: Family, paths: list[str]) -> list[dict[str, str]]:
    """Return single objects that are told apart by a column: ``billing`` stands at ``billing_address``."""
    for column in child.key:
        values = {str(row[column]) for _, rows in family for row in rows}
        at = {}
        for value in sorted(values):
            leading = [path for path in paths if path == value or path.startswith(f"{value}_")]
            if len(leading) == 1:
                at[value] = leading[0]
        if values and set(at) == values:
            return [at]
    return []


def elements(record: Any, at: Mapping[str, str]) -> Iterator[tuple[str, int, dict[str, Any]]]:
    """Yield what stands at the places of a record: the place's name, the position from 1, and the object."""
    for name, path in at.items():
        value = record
        for step in path.split("."):
            value = value.get(step) if isinstance(value, dict) else None
        for position, one in enumerate(value if isinstance(value, list) else [value], 1):
            if isinstance(one, dict):
                yield name, position, one


def _sources(
    child: Refined, column: str, parent: Refined, family: Family, at: Mapping[str, str], identifier: str
) -> Iterator[str]:
    """Yield the places in the record that can be a key column's value in every family, the likeliest first."""
    first = next((one for record, _ in family for *_, one in elements(record, at)), {})
    upper = [f"../{path}" for path in parent.id_from if not path.startswith(("../", "#", "@"))]
    mine = [name for name, value in first.items() if not isinstance(value, (dict, list))]
    mine.sort(key=lambda name: (name != identifier, not column.endswith(name), len(name)))
    for source in [*upper, "#", *(["@"] if len(at) > 1 else []), *mine]:
        if all(
            {str(row[column]) for row in rows}
            <= {_value(source, name, position, one, record) for name, position, one in elements(record, at)}
            for record, rows in family
        ):
            yield source


def _value(source: str, name: str, position: int, one: Mapping[str, Any], record: Mapping[str, Any]) -> str:
    if source == "#":
        return str(position)
    if source == "@":
        return name
    return str(record.get(source[3:]) if source.startswith("../") else one.get(source))


def _judged(child: Refined, parent: Refined, family: Family, at: dict[str, str], id_from: list[str]) -> Found:
    """Hold the rows against what stands in the records: which share of both are the same, and what else agrees."""
    pairs: list[Pair] = []
    rows_seen = there = 0
    for record, rows in family:
        known = {tuple(str(row[column]) for column in child.key): row for row in rows}
        rows_seen += len(rows)
        for name, position, one in elements(record, at):
            there += 1
            row = known.get(tuple(_value(source, name, position, one, record) for source in id_from))
            if row is not None:
                pairs.append((row, one))
    alike = sum(
        str(row[name]) == str(value)
        for row, one in pairs
        for name, value in one.items()
        if name in row and name not in child.key and value is not None
    )
    share = len(pairs) / max(rows_seen, there) if rows_seen else 0.0
    return Found(parent.name, at, child.key, id_from, share, alike, pairs)
