"""A refined table: which object type it holds, by which columns its rows are known, and what they were made of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from dsaudit.database import inference
from dsaudit.database.shape import Column, Shape
from dsaudit.drafting import words
from dsaudit.drafting.matching import Match, Pair
from dsaudit.drafting.sampling import Row
from dsaudit.drafting.system import Object, System

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
    types = {words.one(name, prefix): name for name in system.objects}
    free = {shape.oid: shape for shape in system.tables.values() if not system.is_taken(shape)}
    names = {oid: words.one(shape.name, prefix) for oid, shape in free.items()}
    wanted = {*types, *known}
    chosen = {oid for oid, name in names.items() if name in wanted}
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


def _belongs(shape: Shape, parents: list[Shape], system: System) -> bool:
    """Return whether a table refers to one of some others, by a foreign key or by a column called like its key."""
    if any(reference.table == parent.oid for reference in shape.references.values() for parent in parents):
        return True
    keys = [key[0] for one in parents for key in candidates(one, system.tenant_column(one)[0]) if len(key) == 1]
    return any(re.search("_(id|uid|uuid|key|code|number)$", words.snake(key)) and key in shape.columns for key in keys)


def examine(one: Refined, system: System) -> None:
    """Fill in tenant, key, the time columns, and the pairs of rows and records that can be sampled."""
    shape = one.shape
    one.tenant, guess = system.tenant_column(shape)
    if guess:
        one.guesses["tenant"] = guess
    one.deleted = _deleted(shape)
    one.built_from = _built_from(shape, system)
    objects = system.objects.get(one.type or "", [])
    rows = _key(one, system, objects)
    if objects:
        one.pairs = _pairs(one, system, objects, rows)
    elif one.payload:
        sampled = system.sampler.rows(shape, shape.columns, MOST_PAIRS)
        one.pairs = [(row, row[one.payload]) for row in sampled if isinstance(row[one.payload], dict)]
        _key_by_record(one)


def _deleted(shape: Shape) -> str | None:
    for name in ("deleted_at", "is_deleted", "deleted", "removed_at", "is_removed", "voided_at", "is_void", "void"):
        for column in shape.columns.values():
            if words.snake(column.name) == name and column.family in ("instant", "boolean"):
                return column.name
    return None


def _built_from(shape: Shape, system: System) -> str | None:
    if system.raw is None:
        return None
    referring = [one.column for one in shape.references.values() if one.table == system.raw.oid]
    named = [name for name in shape.columns if re.fullmatch(r"(\w+_)?(raw|ingest)(_\w+)*_id", words.snake(name))]
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
    for key in dict.fromkeys([*given, *named]):
        for joined in SEPARATORS if len(key) > 1 else (None,):
            rows = _rows_with(one, system, key, joined, objects)
            share = len({text for text, _ in rows}) / len(objects) if objects else 0
            if share and (best is None or share > best[0]):
                best = share, key, joined, rows
    if best:
        _, one.key, one.joined, rows = best
        return rows
    chosen = next(iter([*(key for key in given if key in named), *given, *named]), one.shape.primary)
    one.key = chosen
    what = "the only unique constraint besides the surrogate key" if len(given) == 1 else "by its name"
    one.guesses["key"] = f"{what}; no raw record was there to try it on"
    return []


def _is_named_id(column: Column, name: str) -> bool:
    ends = (f"{name}_id", "source_id", "external_id", "remote_id", f"{name}_code", f"{name}_number")
    return column.family in ("text", "integer", "uuid") and words.snake(column.name).endswith(ends)


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
    records = [record for _, record in one.pairs]
    names = [name for name in records[0] if all(str(r.get(name)) == str(row[column]) for row, r in one.pairs)]
    return sorted(names, key=lambda name: (not column.endswith(name), len(name)))


def by_table(found: Iterable[Refined]) -> Mapping[int, Refined]:
    """Return the resources by the object id of their table."""
    return {one.shape.oid: one for one in found}
