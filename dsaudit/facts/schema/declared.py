"""The tables and columns that a parameter file names, and which of its keys names them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dsaudit.parameters import Parameters, Resource
from dsaudit.parameters.fields import FieldType
from dsaudit.parameters.states import named_columns
from dsaudit.parameters.tables import Table

SECTIONS = ("raw", "deliveries", "syncs", "record")


@dataclass(frozen=True)
class Column:
    """A column that the file names: in which table, by which keys, and what it has to hold where the file says so."""

    table: str
    name: str
    declared_by: tuple[str, ...]
    kind: FieldType | None = None
    holds_id: bool = False


def declared_tables(parameters: Parameters) -> dict[str, list[str]]:
    """Return every table that the file names, with the keys that name it, in the file's order."""
    tables: dict[str, list[str]] = {}
    for name, section in _sections(parameters):
        tables.setdefault(section.table, []).append(f"{name}.table")
    for name, resource in parameters.resources.items():
        tables.setdefault(resource.table, []).append(f"resources.{name}.table")
    for index, states in enumerate(parameters.states):
        if states.history:
            tables.setdefault(states.history.table, []).append(f"states[{index}].history.table")
    return tables


def declared_columns(parameters: Parameters, resource: str | None = None) -> list[Column]:
    """Return every column that the file names, each once; with a `resource`, only that resource's."""
    named = list(_of_resources(parameters, resource))
    if resource is None:
        named = [*_of_sections(parameters), *named]
    merged: dict[tuple[str, str], Column] = {}
    for column in named:
        known = merged.setdefault((column.table, column.name), column)
        if known is not column:
            merged[column.table, column.name] = _both(known, column)
    return list(merged.values())


def _both(one: Column, other: Column) -> Column:
    kind = one.kind or other.kind
    places = (*one.declared_by, *other.declared_by)
    return Column(one.table, one.name, places, kind, one.holds_id or other.holds_id)


def _sections(parameters: Parameters) -> Iterator[tuple[str, Table]]:
    for name in SECTIONS:
        section: Table | None = getattr(parameters, name)
        if section is not None:
            yield name, section


def _of_sections(parameters: Parameters) -> Iterator[Column]:
    for name, section in _sections(parameters):
        for ours, given in section.columns.items():
            yield Column(section.table, given.split(".")[0], (f"{name}.columns.{ours}",))


def _of_resources(parameters: Parameters, only: str | None) -> Iterator[Column]:
    for name, resource in parameters.resources.items():
        if only in (None, name):
            yield from _of_resource(name, resource)
    for index, relation in enumerate(parameters.relations):
        for end in ("child", "parent"):
            name, _, column = str(getattr(relation, end)).partition(".")
            if only in (None, name):
                yield Column(parameters.resources[name].table, column, (f"relations[{index}].{end}",))
        parent = relation.parent.partition(".")[0]
        if relation.counted_by and only in (None, parent):
            yield Column(parameters.resources[parent].table, relation.counted_by, (f"relations[{index}].counted_by",))
    for index, duration in enumerate(parameters.durations):
        timed = parameters.resources.get(duration.resource)
        if timed and only in (None, duration.resource):
            for key, given in {"from": duration.from_, "to": duration.to, "by": duration.by}.items():
                if given:
                    yield Column(timed.table, given.split(".")[0], (f"durations[{index}].{key}",))
    for index, endpoint in enumerate(parameters.apis.endpoints if parameters.apis else ()):
        served = parameters.resources.get(endpoint.resource)
        if served and only in (None, endpoint.resource):
            named = {
                f"fields.{path}": column for path, column in {endpoint.key: endpoint.key, **endpoint.fields}.items()
            }
            named |= {f"filters.{name}": column for name, column in endpoint.filters.items()}
            for key, column in named.items():
                yield Column(served.table, column.split(".")[0], (f"apis.endpoints[{index}].{key}",))

    for index, states in enumerate(parameters.states):
        staged = parameters.resources.get(states.resource)
        if staged and only in (None, states.resource):
            for keys, column in named_columns(states):
                yield Column(staged.table, column.split(".")[0], (f"states[{index}].{'.'.join(keys)}",))
        if states.history and only is None:
            for key, column in states.history.named.items():
                place = f"states[{index}].history.{key}"
                yield Column(states.history.table, column.split(".")[0], (place,))


def _of_resource(name: str, resource: Resource) -> Iterator[Column]:
    place = f"resources.{name}"
    for role in ("tenant", "updated_column", "deleted", "refined_at", "built_from"):
        given = resource.deleted_by[0] if role == "deleted" else getattr(resource, role)
        if given:
            instant: FieldType | None = "instant" if role in ("updated_column", "refined_at") else None
            yield Column(resource.table, given.split(".")[0], (f"{place}.{role}",), instant)
    for number, column in enumerate(resource.key):
        yield Column(resource.table, column, (f"{place}.key",), holds_id=_is_id(resource, number))
    for column, field in resource.fields.items():
        holds_id = field.as_ == "integer" and _ends_like_an_id(column, field.from_)
        yield Column(resource.table, column, (f"{place}.fields.{column}",), field.as_, holds_id)


def _is_id(resource: Resource, number: int) -> bool:
    """Return whether a part of the key holds an id: a position counts from 1, and a name is no number."""
    if len(resource.key) == 1:
        return True
    parts = resource.id_from if len(resource.id_from) == len(resource.key) else resource.key
    return parts[number] not in ("#", "@") and _ends_like_an_id(parts[number])


def _ends_like_an_id(*names: str) -> bool:
    return any(name.split(".")[-1].split("/")[-1].lower().endswith("id") for name in names)
