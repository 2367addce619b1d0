"""A sample's export, sorted by what its parameter file declares: versions received, refined rows, records."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.faults.reference.declared import Declared, Resource, declared, value_at
from tests.faults.reference.exporting import Export, Row, exported

NUMBERS = {"smallint", "integer", "bigint", "numeric"}
NUMBER = r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?"
Key = tuple[str, str]  # tenant, source id


class OtherSchema(Exception):
    """The tables are not as the parameter file says, in one sentence."""


@dataclass(frozen=True)
class Version:
    """A row of the raw table: one version of one object, as it was received."""

    row_id: int
    tenant: str
    resource: str
    source_id: str
    told_id: str | None  # as the row itself writes it
    payload: Any
    hash: str | None
    state: str | None
    received: datetime
    changed: datetime | None
    observed: datetime | None
    delivery_id: str | None
    deleted: bool

    @property
    def place(self) -> tuple[datetime, datetime, int]:
        """Its place among its object's versions, as the source made them.

        A source tells the time of a change in whole seconds, and of a deletion not at all: within one second, or
        without that time, the time at which a version was shown decides.
        """
        shown = self.observed or self.changed or self.received
        return (self.changed or shown).replace(microsecond=0), shown, self.row_id


@dataclass(frozen=True)
class Refined:
    """A row of a refined table; its source id is None where a part of it is null."""

    row_id: str
    tenant: str
    source_id: str | None
    deleted: bool
    row: Row


@dataclass(frozen=True)
class Record:
    """A record of the source, whose own list may be its parent's."""

    tenant: str
    source_id: str
    record: Row


@dataclass
class System:
    declared: Declared
    export: Export
    versions: list[Version] = field(default_factory=list)
    refined: dict[str, list[Refined]] = field(default_factory=dict)
    records: dict[str, list[Record]] = field(default_factory=dict)
    newest: dict[tuple[str, Key], Version] = field(default_factory=dict)
    untold: set[tuple[str, str]] = field(default_factory=set)  # tenant and resource of lists that nothing is told of

    def __post_init__(self) -> None:
        self.resources = self.declared.resources
        for resource in self.resources.values():
            _refuse_other_columns(resource, self.export)
        if "raw" in self.declared.given:
            self.versions = sorted(_versions(self), key=lambda one: one.row_id)
        for one in self.versions:
            place = one.resource, (one.tenant, one.source_id)
            if place not in self.newest or self.newest[place].place < one.place:
                self.newest[place] = one
        for name, resource in self.resources.items():
            self.refined[name] = list(_refined(self, resource))
            self.records[name] = list(_records(self, resource))
        self.untold |= set(_untold(self))

    def live(self, resource: str) -> dict[tuple[str, str | None], list[Refined]]:
        """The refined rows that are not marked deleted, by tenant and id."""
        found: dict[tuple[str, str | None], list[Refined]] = {}
        for one in self.refined[resource]:
            if not one.deleted:
                found.setdefault((one.tenant, one.source_id), []).append(one)
        return found

    def told(self, resource: str) -> dict[Key, Record]:
        """The source's records, of those tenants whose list can be relied on."""
        return {
            (one.tenant, one.source_id): one
            for one in self.records[resource]
            if (one.tenant, resource) not in self.untold
        }

    def newest_of(self, resource: str, refined: Refined) -> Version | None:
        """The newest version received of what a refined row is of."""
        return None if refined.source_id is None else self.newest.get((resource, (refined.tenant, refined.source_id)))

    def under_way(self, version: Version) -> bool:
        """Whether a version came so short a time ago that it need not be refined yet."""
        for_long, clocks = self.declared.in_flight()
        came, instant = version.received, self.export.instant
        return version.state in (None, "pending") and instant - for_long <= came <= instant + clocks


def system(sample: Any) -> System:
    """Export a running sample."""
    given = declared(Path(sample.parameters))
    return System(given, exported(given, sample.owner_url, sample.environment))


def _refuse_other_columns(resource: Resource, export: Export) -> None:
    table = resource.given["table"]
    columns = [*resource.key, *(field.column for field in resource.fields)]
    lacking = [column for column in columns if (table, column) not in export.types]
    if lacking:
        raise OtherSchema(f"the table {table} lacks {', '.join(lacking)}: there is nothing to compare")


def _versions(one: System) -> Iterator[Version]:
    raw = one.declared.given["raw"]
    names: dict[str, str] = raw["columns"]
    types = {resource.given.get("raw", name): name for name, resource in one.resources.items()}
    for row in one.export.tables[raw["table"]]:
        tenant, resource = _tenant(one, row, names["tenant"]), types.get(row["object_type"])
        if tenant is None or resource is None:
            continue
        yield Version(
            row["id"],
            tenant,
            resource,
            _as_its_key(one, resource, row[names["source_id"]]),
            row[names["source_id"]],
            row["payload"],
            row[names["content_hash"]],
            row[names["state"]],
            row[names["received_at"]],
            row[names["changed_at"]],
            row[names["observed_at"]],
            row[names["delivery_id"]],
            bool(row[names["deleted"]]),
        )


def _as_its_key(one: System, resource: str, told: str | None) -> str:
    """An id as the key's column writes it: in one of numbers 7.0 is 7, and a text is what it is."""
    table, key = one.resources[resource].given["table"], one.resources[resource].key
    if told and len(key) == 1 and one.export.types[table, key[0]] in NUMBERS and re.fullmatch(NUMBER, told):
        number = Decimal(told)
        return f"{number:f}" if number != int(number) else str(int(number))
    return told or ""


def _tenant(one: System, row: Row, column: str | None) -> str | None:
    tenants = one.declared.tenants
    return tenants.get(str(row[column])) if tenants and column else "all"


def _refined(one: System, resource: Resource) -> Iterator[Refined]:
    for row in one.export.tables[resource.given["table"]]:
        tenant = _tenant(one, row, resource.given.get("tenant"))
        if tenant is not None:
            deleted = resource.given.get("deleted")
            is_deleted = deleted is not None and row[deleted] is not None
            yield Refined(str(row.get("id")), tenant, _id_of(resource, row), is_deleted, row)


def _id_of(resource: Resource, row: Row) -> str | None:
    parts = [row[column] for column in resource.key]
    return None if None in parts else resource.joined.join(map(str, parts))


def _records(one: System, resource: Resource) -> Iterator[Record]:
    if resource.inside is None:
        for (tenant, name), listed in one.export.lists.items():
            if name == resource.name:
                yield from (Record(tenant, _told_id(resource, record, {}, "", 0), record) for record in listed)
        return
    for parent in one.records[resource.inside]:
        for place, path in resource.places.items():
            found = value_at(parent.record, path)
            for position, record in enumerate(found if isinstance(found, list) else [found], 1):
                if record is not None:
                    yield Record(parent.tenant, _told_id(resource, record, parent.record, place, position), record)


def _told_id(resource: Resource, record: Row, parent: Row, place: str, position: int) -> str:
    parts = []
    for part in resource.id_from:
        if part in "#@":
            parts.append(str(position) if part == "#" else place)
        elif part.startswith("../"):
            parts.append(str(value_at(parent, part.removeprefix("../"))))
        else:
            parts.append(str(value_at(record, part)))
    return resource.joined.join(parts)


def _untold(one: System) -> Iterator[tuple[str, str]]:
    """Lists that are not whole, or have several records under one id, and those that stand inside of one."""
    wrong = set(one.export.unread)
    for name, resource in one.resources.items():
        seen: dict[Key, Row] = {}
        for found in one.records[name]:
            if seen.setdefault((found.tenant, found.source_id), found.record) != found.record:
                wrong.add((found.tenant, name))
        wrong |= {(tenant, name) for tenant, above in wrong if above == resource.inside}
    yield from wrong
