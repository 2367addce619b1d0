"""A refined table: which object type it holds, by which columns its rows are known, and what they were made of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from dsaudit import naming
from dsaudit.database import inference
from dsaudit.database.shape import Column, Shape
from dsaudit.drafting.content import HALF, IDS, leaves
from dsaudit.drafting.matching import Match, Pair, paths
from dsaudit.drafting.sampling import Row
from dsaudit.drafting.system import Object, System
from dsaudit.source.reading import value_at

SAMPLED = 200
SEPARATORS = (":", "-", "_", "/", "|", ".", "#", "::")
MOST_PAIRS = 60
NEARLY = 0.9


@dataclass
class Nested:
    """Where a child's records stand in its parent's, by the name that tells several places apart."""

    parent: str
    at: dict[str, str]
    guess: str | None = None


@dataclass
class Refined:
    """What is known so far of one resource. `guesses` says of a key why it is not certain."""

    name: str
    shape: Shape
    type: str | None  # its raw type
    tenant: str | None = None
    key: tuple[str, ...] = ()
    joined: str | None = None
    id_from: list[str] = field(default_factory=lambda: ["id"])
    deleted: str | None = None
    built_from: str | None = None
    refined_at: str | None = None
    updated_column: str | None = None
    nested: Nested | None = None
    pairs: list[Pair] = field(default_factory=list)
    fields: dict[str, Match] = field(default_factory=dict)
    guesses: dict[str, str] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    @property
    def payload(self) -> str | None:
        """The column of the row itself that holds the source's record, where there is one."""
        found = [one for one in self.shape.columns.values() if one.family == "json"]
        named = [one for one in found if re.search("payload|raw|data|body|source|json", one.name.lower())]
        return named[0].name if named else None


def find(system: System, known: Iterable[str], prefix: str) -> list[Refined]:
    """Return the refined tables: those that an object type, a sync function or the catalogue knows, and their children.

    `known` are the names of resources that others than the database tell of.
    """
    types = {naming.one(name, prefix): name for name in system.objects}
    free = {shape.oid: shape for shape in system.tables.values() if not system.is_taken(shape)}
    names = {oid: naming.one(shape.name, prefix) for oid, shape in free.items()}
    wanted = {*types, *known}
    chosen = {oid for oid, name in names.items() if name in wanted}
    unnamed = [shape for oid, shape in free.items() if oid not in chosen]
    for type_, oid in _by_values(
        unnamed, set(system.objects) - {types[name] for name in names.values() if name in types}, system
    ):
        names[oid] = naming.one(type_, prefix)
        types[names[oid]] = type_
        chosen.add(oid)
    while more := {
        oid for oid in free if oid not in chosen and _belongs(free[oid], [free[one] for one in chosen], system)
    }:
        chosen |= more
    chosen = chosen or {oid for oid, shape in free.items() if shape.kind != "v"}
    found: dict[str, Refined] = {}
    for oid in sorted(chosen, key=lambda oid: (free[oid].schema, free[oid].name)):
        name = names[oid] if re.fullmatch(r"[a-z][a-z0-9_]{0,62}", names[oid]) else f"table_{oid}"
        if name not in found and free[oid].kind in "rpvm":
            found[name] = Refined(name, free[oid], types.get(name))
    return list(found.values())


def name_by_runs(found: Sequence[Refined], system: System, column: str | None) -> None:
    """Set the types by which the history of sync runs calls the resources, where there is no raw record to tell them.

    `column` is where the history has them.
    """
    if system.syncs is None or system.raw is not None or column is None:
        return
    values = {row[column] for row in system.sampler.rows(system.syncs, [column])} - {None, *(one.name for one in found)}
    for value in sorted(map(str, values)):
        name = naming.one(value)
        alike = [one for one in found if one.name == name] or [one for one in found if one.name.endswith(f"_{name}")]
        if len(alike) == 1 and alike[0].type is None:
            alike[0].type = value
            alike[0].guesses["raw"] = "the table of sync runs calls it so"


def _by_values(shapes: list[Shape], types: set[str], system: System) -> Iterator[tuple[str, int]]:
    """Yield raw types with the table whose rows hold most of the values of their records, found by the source's ids."""
    best: dict[str, tuple[float, int]] = {}
    for shape in shapes:
        rows = system.sampler.rows(shape, _ids_of(shape), SAMPLED) if types and _ids_of(shape) else []
        likeness = {
            type_: max(
                (
                    _likeness(shape, name, system, system.objects[type_])
                    for name in _ids_of(shape)
                    if any(str(row[name]) in system.ids[type_] for row in rows)
                ),
                default=0.0,
            )
            for type_ in types
        }
        type_ = max(likeness, key=lambda one: likeness[one], default=None)
        if type_ and likeness[type_] > best.get(type_, (0.0, 0))[0]:
            best[type_] = likeness[type_], shape.oid
    yield from ((type_, oid) for type_, (_, oid) in sorted(best.items()))


def _ids_of(shape: Shape) -> list[str]:
    """Return the columns that may hold the source's ids: a surrogate key and references to other tables do not."""
    return [
        name
        for name, column in shape.columns.items()
        if column.family in IDS and not (column.is_given and shape.primary == (name,))
    ]


def _likeness(shape: Shape, key: str, system: System, objects: list[Object]) -> float:
    """Return how many values of a row stand in the record of its id, on average over the records; ids do not count."""
    one = Refined("", shape, None, system.tenant_column(shape)[0])
    newest = {(str(item.tenant), item.source_id): set(leaves(item.payload)) for item in objects}
    alike = 0
    for text, row in _rows_with(one, system, (key,), None, objects):
        inside = newest.get((str(row[one.tenant]) if one.tenant else "None", text), set())
        alike += sum(str(value) in inside for name, value in row.items() if name != key)
    return alike / len(objects) if objects else 0.0


def _belongs(shape: Shape, parents: Sequence[Shape], system: System) -> bool:
    """Return whether a table refers to one of some others, by a foreign key or by a column called like its key."""
    if any(reference.table == parent.oid for reference in shape.references.values() for parent in parents):
        return True
    own = {system.tenant_column(shape)[0], system.raw_columns.get("source_id")}
    keys = [key[0] for one in parents for key in candidates(one, system.tenant_column(one)[0]) if len(key) == 1]
    keys += [name for one in parents for name in _ids_of(one) if re.search(_KEY, naming.snake(name))]
    return any(re.search(_KEY, naming.snake(key)) and key in shape.columns for key in keys if key not in own)


_KEY = "_(id|uid|uuid|key|code|number|no|nr|ref)$"


def examine(one: Refined, system: System) -> None:
    """Fill in tenant, key, the time columns, and the pairs of rows and records that can be sampled."""
    shape = one.shape
    one.tenant, guess = system.tenant_column(shape)
    if guess:
        one.guesses["tenant"] = guess
    one.deleted = _deleted(shape, system)
    one.built_from = _built_from(shape, system)
    objects = system.objects.get(one.type or "", [])
    rows = _key(one, system, objects)
    if objects:
        one.pairs = _pairs(one, system, objects, rows)
    elif one.payload:
        sampled = system.sampler.rows(shape, shape.columns, MOST_PAIRS)
        one.pairs = [(row, row[one.payload]) for row in sampled if isinstance(row[one.payload], dict)]
        _key_by_record(one)


def _deleted(shape: Shape, system: System) -> str | None:
    """Return the time or flag that a deleted row has and others have not; what is called so may be most of the rows."""
    fitting = [
        column.name
        for column in shape.columns.values()
        if re.fullmatch(_DELETED, naming.snake(column.name))
        and (column.family == "boolean" or (column.family == "instant" and column.nullable))
    ]
    said = {name: "delet" in name.lower() for name in fitting}
    for name in sorted(fitting, key=lambda name: not said[name]):
        rows = system.sampler.rows(shape, [name], SAMPLED)
        if sum(bool(row[name]) for row in rows) <= (NEARLY if said[name] else HALF) * len(rows):
            return name
    return None


_DELETED = "(is_)?(deleted|removed|gone|voided|void|archived|erased|tombstoned?|dead)(_at|_on|_time)?"


def _built_from(shape: Shape, system: System) -> str | None:
    if system.raw is None:
        return None
    referring = [one.column for one in shape.references.values() if one.table == system.raw.oid]
    named = [name for name in shape.columns if re.fullmatch(r"(\w+_)?(raw|ingest)(_\w+)*_id", naming.snake(name))]
    return next(iter([*referring, *named]), None)


def candidates(shape: Shape, tenant: str | None) -> list[tuple[str, ...]]:
    """Return the columns that may be the source's id beside the tenant's, by the table's own constraints."""
    bare = (tuple(name for name in key if name != tenant) for key in inference.candidates(shape))
    return list(dict.fromkeys(key for key in bare if key))


def _key(one: Refined, system: System, objects: list[Object]) -> list[tuple[str, Row]]:
    """Choose the key whose values are the raw records' ids; return the sampled rows, each with its id."""
    best: tuple[float, tuple[str, ...], str | None, list[tuple[str, Row]]] | None = None
    given = candidates(one.shape, one.tenant)
    named = [(column.name,) for column in one.shape.columns.values() if _is_named_id(column, one.name)]
    others = [(name,) for name in _ids_of(one.shape)]
    for key in dict.fromkeys([*given, *named, *others]):
        if key in others and key not in (*given, *named) and best and best[0] >= NEARLY:
            break  # what a constraint or a name speaks for needs no other
        for joined in SEPARATORS if len(key) > 1 else (None,):
            rows = _rows_with(one, system, key, joined, objects)
            share = len({text for text, _ in rows}) / len(objects) if objects else 0
            if share and (best is None or share > best[0]):
                best = share, key, joined, rows
    if best:
        share, one.key, one.joined, rows = best
        if one.key not in given:
            one.guesses["key"] = (
                f"its values are the ids of {share:.0%} of the sampled raw records; no constraint says so"
            )
        return rows
    chosen = next(iter([*(key for key in given if key in named), *given, *named]), one.shape.primary)
    one.key = chosen
    what = "the primary key" if chosen == one.shape.primary else "the only unique constraint besides the surrogate key"
    what = what if chosen == one.shape.primary or len(given) == 1 else "by its name"
    tried = "no raw record was there to try it on" if not objects else "it holds no raw record's id"
    one.guesses["key"] = f"{what}; {tried}"
    return []


def _is_named_id(column: Column, name: str) -> bool:
    ends = (f"{name}_id", "source_id", "external_id", "remote_id", f"{name}_code", f"{name}_number")
    return column.family in ("text", "integer", "uuid") and naming.snake(column.name).endswith(ends)


def _rows_with(
    one: Refined, system: System, key: tuple[str, ...], joined: str | None, objects: list[Object]
) -> list[tuple[str, Row]]:
    split = [item.source_id.split(joined) if joined else [item.source_id] for item in objects]
    if not objects or any(len(parts) != len(key) for parts in split) or not one.shape.finds(key[0], one.tenant):
        return []
    by: dict[str, list[Any]] = {name: [parts[index] for parts in split] for index, name in enumerate(key)}
    if one.tenant:
        by[one.tenant] = [item.tenant for item in objects if item.tenant is not None]
        if not by[one.tenant]:
            del by[one.tenant]
    wanted = {item.source_id for item in objects}
    rows = system.sampler.found(one.shape, one.shape.columns, by)
    with_ids = [((joined or "").join(str(row[name]) for name in key), row) for row in rows]
    return [(text, row) for text, row in with_ids if text in wanted]


def _pairs(one: Refined, system: System, objects: list[Object], rows: list[tuple[str, Row]]) -> list[Pair]:
    """Return rows with the payload that they were built from; without it, with the newest that was sampled."""
    raw, columns = system.raw, system.raw_columns
    assert raw is not None
    living = [(text, row) for text, row in rows if not (one.deleted and row[one.deleted])][:MOST_PAIRS]
    if one.built_from:
        ids = [row[one.built_from] for _, row in living]
        read = system.sampler.found(raw, [columns["row_id"], columns["payload"]], {columns["row_id"]: ids})
        payloads = {str(row[columns["row_id"]]): row[columns["payload"]] for row in read}
        pairs = [(row, payloads.get(str(row[one.built_from]))) for _, row in living]
        found = [(row, payload) for row, payload in pairs if isinstance(payload, dict)]
        if found:
            return found
        one.built_from = None
    newest = {(str(item.tenant), item.source_id): item.payload for item in objects}
    with_tenant = [((str(row[one.tenant]) if one.tenant else "None", text), row) for text, row in living]
    return [(row, newest[key]) for key, row in with_tenant if key in newest]


def _key_by_record(one: Refined) -> None:
    """Choose the key whose column holds the record's own id, where the record stands on the row."""
    for key in candidates(one.shape, one.tenant):
        ids = [(str(row[key[0]]), str(record.get("id", record.get("Id")))) for row, record in one.pairs]
        if len(key) == 1 and ids and sum(mine == its for mine, its in ids) >= NEARLY * len(ids):
            one.key = key
            one.guesses.pop("key", None)


def set_id_from(one: Refined, identifier: str) -> None:
    """Say where the source's record has its id: for each part of the key the path that holds its values."""
    if one.nested or not one.pairs or not one.key:
        return
    whole = [(one.joined or "").join(str(row[name]) for name in one.key) for row, _ in one.pairs]
    ids = [str(record.get(identifier)) for _, record in one.pairs]
    ways = [[identifier]] if ids == whole else [_paths_of(one, name) for name in one.key]
    chosen = next(iter(product(*ways)), None)
    one.id_from = list(chosen or one.id_from)
    if chosen is None:
        one.guesses["id_from"] = "no field of the sampled records has the key's values"


def _paths_of(one: Refined, column: str) -> list[str]:
    known = paths(record for _, record in one.pairs)
    fitting = [path for path in known if all(str(value_at(r, path)) == str(row[column]) for row, r in one.pairs)]
    return sorted(fitting, key=lambda path: (path.count("."), not column.endswith(path), len(path)))


def by_table(found: Iterable[Refined]) -> Mapping[int, Refined]:
    """Return the resources by the object id of their table."""
    return {one.shape.oid: one for one in found}
