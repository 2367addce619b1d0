"""What the columns of a refined table are: declared fields, times of change, deletion, references to other tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dsaudit import naming
from dsaudit.catalogue import Provider
from dsaudit.drafting.matching import ENOUGH, Match, by_name, kind_of, match, paths
from dsaudit.drafting.refined import Refined
from dsaudit.drafting.system import System

_STORED = (
    "refined_at",
    "processed_at",
    "synced_at",
    "last_synced_at",
    "stored_at",
    "stored",
    "loaded_at",
    "ingested_at",
)
_SERVICE = (*_STORED, "updated_at", "modified_at", "created_at", "inserted_at")
_UPDATED = ("updated_at", "updatedAt", "updated", "modified_at", "modified", "last_modified", "changed_at", "changed")
_CREATED = ("created_at", "createdAt", "created", "date_created")
HALF = 0.5


@dataclass(frozen=True)
class Relation:
    """A child's column and the parent's that it refers to; `guess` says why it is not certain."""

    child: str
    parent: str
    nullable: bool
    guess: str | None = None


def describe(one: Refined, tables: Mapping[int, Refined], prefix: str) -> None:
    """Find the fields of a resource, and what of its table is the integration's own doing."""
    own = {*one.key, one.tenant, one.built_from, one.deleted, one.payload}
    own |= {reference.column for reference in one.shape.references.values()}
    if len(one.shape.primary) == 1 and one.shape.primary[0] not in one.key:
        own.add(one.shape.primary[0])
    known = paths(record for _, record in one.pairs)
    for column in one.shape.columns.values():
        if column.name in own or ((is_service := _is_service(column.name, one)) and not one.pairs):
            continue
        if "." in column.name:
            one.left_out.append(f"{column.name}: a name with a dot in it would be read as a path")
            continue
        found = match(column, one.pairs, known, prefix) if one.pairs else by_name(column)
        if found and not (is_service and found.differs > HALF):
            one.fields[column.name] = found
        elif kind_of(column) is None:
            one.left_out.append(f"{column.name} is of the type {column.type}, which no field is compared as")
        elif not is_service and not _is_of_a_parent(column.name, one, tables) and _holds_something(column.name, one):
            one.open.append(f"{column.name}: no field of the source's record has its values")
    one.refined_at = _first(one, _SERVICE[: len(_STORED) + 2]) or _written(one)


def _is_service(name: str, one: Refined) -> bool:
    """Return whether a column may be a time that the integration itself writes down."""
    column = one.shape.columns[name]
    return column.family == "instant" and (naming.snake(name) in _SERVICE and (column.is_given or bool(one.pairs)))


def _first(one: Refined, names: Sequence[str]) -> str | None:
    free = [column.name for column in one.shape.columns.values() if column.family == "instant"]
    free = [name for name in free if name not in one.fields and name != one.deleted]
    return next((name for wanted in names for name in free if naming.snake(name) == wanted), None)


def _written(one: Refined) -> str | None:
    """Return the one time that every sampled row has and no field of the source's record: when the row was written."""
    free = [column.name for column in one.shape.columns.values() if column.family == "instant"]
    free = [name for name in free if name not in one.fields and name != one.deleted]
    always = [name for name in free if one.pairs and all(row[name] is not None for row, _ in one.pairs)]
    if len(always) != 1:
        return None
    one.guesses["refined_at"] = "every sampled row has it, and no field of the source's record has its values"
    one.open = [what for what in one.open if not what.startswith(f"{always[0]}: ")]
    return always[0]


def _is_of_a_parent(name: str, one: Refined, tables: Mapping[int, Refined]) -> bool:
    return any(name in other.key for other in tables.values() if other is not one)


def _holds_something(name: str, one: Refined) -> bool:
    return any(row[name] is not None for row, _ in one.pairs)


def times(found: Sequence[Refined], provider: Provider) -> tuple[str | None, str | None, str | None]:
    """Return the paths of the time of change and of creation in the source's records, and why the first is a guess."""
    drafted = {match.field.from_ for one in found for match in one.fields.values() if _is_time(match)}
    updated, created = provider.updated, provider.created
    updated = updated or next((name for name in _UPDATED if name in drafted), None)
    latest = None if updated else _latest(found)
    return (
        updated or latest,
        created or next((name for name in _CREATED if name in drafted), None),
        "no other time in the sampled records is later" if latest else None,
    )


def _latest(found: Sequence[Refined]) -> str | None:
    """Return the time that the records of all resources have, and that is never earlier than another time of theirs."""
    whole = [one for one in found if one.pairs and not one.nested]
    times_ = [{match.field.from_: name for name, match in one.fields.items() if _is_time(match)} for one in whole]
    for path in times_[0] if times_ else ():
        if all(
            path in columns
            and all(
                None in (row[columns[path]], row[other]) or row[columns[path]] >= row[other]
                for row, _ in one.pairs
                for other in columns.values()
            )
            for one, columns in zip(whole, times_, strict=True)
        ):
            return path
    return None


def _is_time(match: Match) -> bool:
    return match.field.as_ == "instant"


def set_updated(one: Refined, updated: str | None) -> None:
    """Say which column holds the source's time of change."""
    holding = [
        name for name, found in one.fields.items() if found.field.from_ == updated and found.field.as_ == "instant"
    ]
    one.updated_column = next(iter(holding), None)


def common(values: Iterable[str | None]) -> str | None:
    """Return the value that most have, of those that have any."""
    counted = Counter(value for value in values if value is not None)
    return counted.most_common(1)[0][0] if counted else None


def relations(found: Sequence[Refined], tables: Mapping[int, Refined], system: System) -> list[Relation]:
    """Return what refers to what: by the foreign keys, and where there is none by names."""
    listed: list[Relation] = []
    for one in found:
        referred = set()
        for column in one.shape.columns.values():
            reference = one.shape.references.get(column.name)
            if reference and reference.table in tables:
                parent = tables[reference.table]
                referred.add(parent.name)
                listed.append(
                    Relation(f"{one.name}.{column.name}", f"{parent.name}.{reference.parent}", column.nullable)
                )
        listed += _by_naming(one, found, referred, system)
    return listed


def _by_naming(one: Refined, found: Sequence[Refined], referred: set[str], system: System) -> list[Relation]:
    listed = []
    for parent in found:
        key = parent.key[0] if len(parent.key) == 1 else None
        if parent is one or parent.name in referred or key is None:
            continue
        ends = {key} if key != "id" else set()
        ends |= {f"{parent.name}_id", f"{parent.name}_{key}"}
        for column in one.shape.columns.values():
            is_named = naming.snake(column.name) in ends
            is_own = column.name in (one.key if len(one.key) == 1 else ()) or column.name == one.tenant
            if not is_own and (is_named or _are_ids(one, column.name, system.ids.get(parent.type or "", set()))):
                guess = _held(one, column.name, parent, key, system, "by its name" if is_named else "by its values")
                if guess:
                    child, to = f"{one.name}.{column.name}", f"{parent.name}.{key}"
                    listed.append(Relation(child, to, column.nullable, guess))
    return listed


def _are_ids(one: Refined, column: str, known: set[str]) -> bool:
    """Return whether a column holds a parent's ids, and enough of them; small numbers may be anything."""
    values = {str(row[column]) for row, _ in one.pairs if row[column] is not None}
    is_text = one.shape.columns[column].family in ("text", "uuid")
    return is_text and len(values) >= ENOUGH and len(values & known) > HALF * len(values)


def _held(one: Refined, column: str, parent: Refined, key: str, system: System, why: str) -> str | None:
    """Return what the sampled rows say of a reference without a foreign key, None where they refute it."""
    rows = [row for row, _ in one.pairs] or system.sampler.rows(one.shape, [column], 200)
    values = {str(row[column]) for row in rows if row[column] is not None}
    if not values:
        return f"{why}; no sampled row has a value"
    if not parent.shape.finds(key, parent.tenant):
        return f"{why}; the parent's table is too large to be searched without an index"
    known: set[Any] = {str(row[key]) for row in system.sampler.found(parent.shape, [key], {key: sorted(values)})}
    share = len(values & known) / len(values)
    return f"{why}; {share:.0%} of the sampled values are there" if share > HALF else None
