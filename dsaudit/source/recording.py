"""The recording: what the source answered, record by record, kept privately for the run's phases to read.

Layout: ``<tenant>/<resource>.jsonl.gz`` holds the own list of a resource as gzipped JSON Lines: each line is one
record, the source's own text of it (numbers as they were written, line breaks between tokens made spaces), in the
order of reading; any reader of concatenated gzip members reads it, DuckDB too. ``<resource>.journal`` lets a reading
go on that broke off. ``index.json`` says of every list how many records it has, what digest its file has, and what
speaks against its being whole; without it the reading did not come to its end. `collecting` writes it.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

from dsaudit.clock import Clock, Offset, widest
from dsaudit.parameters import Parameters, Resource
from dsaudit.parameters.ids import Kind, id_text
from dsaudit.source.reading import SourceError, parse
from dsaudit.source.reading import value_at as value_at
from dsaudit.source.writing import digest_of

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FARTHEST_SECOND = 95_617_584_000  # of 1 January 5000
INDEX = "index.json"
DRAFT = "index.json.draft"
FORM = 3  # of the index: it tells of what is nested, and ids are one text for each type of key
SOURCE_TO_US = "source, database"  # the two clocks between which latencies are measured
STARTED = "started_syncs.json"  # what came of the syncs that were started
LIVE = "live.json"  # what was seen of the changes that were made at the source
AGAIN = "again.jsonl"  # what came of looking again at what differed
PROBE = "probe.json"  # what came of the deliveries that were sent to see them refused


@dataclass(frozen=True)
class Item:
    """One record of the source: its id as text, itself, the own list's record that it stands in, its parent's id."""

    source_id: str
    record: dict[str, Any]
    top: dict[str, Any]
    parent_id: str | None = None


class Recording:
    """Reads a recording back."""

    def __init__(self, folder: Path, parameters: Parameters) -> None:
        self.folder = folder
        self._parameters = parameters
        self.index: dict[str, Any] = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        self._counts: dict[tuple[str, str], int] = {}
        self._part_ids: dict[str, dict[str, set[str]]] = {}
        self._seen: set[Path] = set()  # files that are known to be as they were written

    @property
    def started(self) -> datetime:
        """When the reading began: what changed later may be missing from it."""
        return datetime.fromisoformat(self.index["started"])

    @property
    def replayed(self) -> bool:
        """Whether it was read by an earlier run."""
        return "replayed" in self.index

    @cached_property
    def offsets(self) -> dict[str, Offset]:
        """How far clocks were ahead of others while the source was read, by their names; only what was measured.

        They are called ``source``, ``database`` and ``here``, where the audit runs. One host has one clock.
        """
        hosts: dict[str, Clock] = defaultdict(Clock)
        for tenant in self.index["tenants"].values():
            if tenant.get("offset"):
                hosts[tenant["host"]].take(Offset(*tenant["offset"]))
        source = widest(one.offset for one in hosts.values() if one.offset)
        database = Offset(*self.index["offset"]) if self.index.get("offset") else None
        both = source.beside(database) if source and database else None
        found = {SOURCE_TO_US: both, "source, here": source, "database, here": database}
        return {clocks: offset for clocks, offset in found.items() if offset}

    def ended(self, tenant: str, resource: str) -> datetime | None:
        """Return when a resource's list, or the one that it stands in, had been read to its end."""
        ended = self._entry(tenant, self.top(resource)).get("ended")
        return datetime.fromisoformat(ended) if ended else None

    def problem(self, tenant: str, resource: str) -> str | None:
        """Return why a resource's list cannot be relied on, or None; a nested one needs those that it stands in."""
        top = self.top(resource)
        entry = self._entry(tenant, top)
        if not entry:
            return f"the source's list of {top} was not read"
        if entry["problem"]:
            return f"the source's list of {top} is not whole: {entry['problem']}"
        for name in reversed(list(self._nested(resource))):
            if problem := entry["nested"][name]["problem"]:
                return f"the source's list of {name} is not whole: {problem}"
        return None

    def _nested(self, resource: str) -> Iterator[str]:
        """Yield a resource that is nested, and those that it is nested in, without the outermost."""
        while nested := self._parameters.resources[resource].nested:
            yield resource
            resource = nested.in_

    def refusal(self, tenant: str, resource: str) -> str | None:
        """Return in which words a resource's own list was refused, or None where it was not."""
        entry = self._entry(tenant, resource)
        return str(entry["problem"]) if entry.get("refused") else None

    def answered(self, tenant: str, resource: str) -> bool:
        """Return whether a resource's own list was answered to its end, whole or not."""
        return bool(self._entry(tenant, resource).get("answered"))

    def is_by_position(self, tenant: str, resource: str) -> bool:
        """Return whether a deletion may have hidden a record, as the list was read by position and nothing tells."""
        return bool(self._entry(tenant, self.top(resource)).get("by_position"))

    def is_part(self, tenant: str, resource: str) -> bool:
        """Return whether single records stand for a resource's list: of the others nothing is known."""
        return bool(self._entry(tenant, self.top(resource)).get("part"))

    def shared_ids(self, tenant: str, resource: str) -> list[str]:
        """Return the ids under which a resource has several different records, at most a thousand."""
        top = self.top(resource)
        entry = self._entry(tenant, top)
        found: list[str] = (entry if top == resource else entry.get("nested", {}).get(resource, {})).get(
            "shared_ids", []
        )
        return found

    def _entry(self, tenant: str, resource: str) -> dict[str, Any]:
        found: dict[str, Any] = self.index["tenants"].get(tenant, {}).get("resources", {}).get(resource, {})
        return found

    def scopes(self, tenant: str) -> list[str] | None:
        """Return the scopes the provider granted, or None where it was not asked or refused."""
        found = self.index["tenants"].get(tenant, {}).get("scopes")
        return None if found is None else [str(one.get("handle", "")) for one in found]

    def subscriptions(self, tenant: str) -> list[dict[str, Any]] | None:
        """Return the webhooks registered at the provider, or None where it was not asked or refused."""
        found: list[dict[str, Any]] | None = self.index["tenants"].get(tenant, {}).get("subscriptions")
        return found

    @cached_property
    def probe(self) -> dict[str, Any] | None:
        """What came of the deliveries that were sent to see them refused, None where none were sent."""
        path = self.folder / PROBE
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None

    def count(self, tenant: str, resource: str) -> int | None:
        """Return how many records the source has, or None where the list is not whole."""
        if self.problem(tenant, resource) or self.is_part(tenant, resource):
            return None
        top = self._entry(tenant, self.top(resource))
        if self._parameters.part.sample and not top["none"]:
            return None  # of what was not drawn nobody knows
        if (tenant, resource) not in self._counts:
            self.file(tenant, resource)
            is_own = self.top(resource) == resource
            counted = (
                self._entry(tenant, resource)["records"] if is_own else sum(1 for _ in self.items(tenant, resource))
            )
            self._counts[tenant, resource] = counted
        return self._counts[tenant, resource]

    def part_ids(self, resource: str) -> dict[str, set[str]]:
        """Return the ids of the part, by tenant: those of its records, and those drawn that the source does not have.

        Of a tenant whose list cannot be relied on there is none.
        """
        if resource not in self._part_ids:
            good = [one for one in self._parameters.tenant_names if not self.problem(one, resource)]
            self._part_ids[resource] = {
                tenant: {item.source_id for item in self.items(tenant, resource)}
                | set(self._entry(tenant, resource).get("absent", ()))
                for tenant in good
            }
        return self._part_ids[resource]

    def unasked(self, tenant: str, resource: str) -> int:
        """Return how many records changed by what our tables tell, and could not be asked for at the source."""
        return int(self._entry(tenant, self.top(resource)).get("unasked", 0))

    def uniform(self, resource: str) -> dict[str, set[str]]:
        """Return the ids of an own list that were drawn uniformly, by tenant."""
        return {one: set(self._entry(one, resource).get("uniform", ())) for one in self._parameters.tenant_names}

    def known(self, resource: str) -> int:
        """Return of how many ids of an own list the uniform draw was made."""
        return max(int(self._entry(one, resource).get("known", 0)) for one in self._parameters.tenant_names)

    def items(self, tenant: str, resource: str) -> Iterator[Item]:
        """Yield the records of a resource, nested ones out of their parents'."""
        for top in self._records(tenant, self.top(resource)):
            yield from items_in(self._parameters, resource, top)

    def file(self, tenant: str, resource: str) -> Path:
        """Return the file of a resource's own list, or of the one that a nested resource's records stand in.

        Raises
        ------
        SourceError
            It is not there, or is not as it was written.
        """
        top = self.top(resource)
        path = self.folder / tenant / f"{top}.jsonl.gz"
        if path not in self._seen:
            try:
                is_same = digest_of(path).hexdigest() == self._entry(tenant, top).get("sha256")
            except OSError as error:
                raise SourceError(f"the recording of {top} cannot be read ({type(error).__name__})") from None
            if not is_same:
                raise SourceError(f"the recording of {top} is not as it was written: its digest is another")
            self._seen.add(path)
        return path

    def digest(self, tenant: str, resource: str) -> str:
        """Return the digest that this file had when it was written."""
        return str(self._entry(tenant, self.top(resource))["sha256"])

    def _records(self, tenant: str, resource: str) -> Iterator[dict[str, Any]]:
        """Yield what was recorded of an own list."""
        path = self.file(tenant, resource)
        try:
            with gzip.open(path, "rb") as file:
                for line in file:
                    yield parse(line.decode())
        except (OSError, EOFError, ValueError) as error:
            raise SourceError(f"the recording of {resource} cannot be read ({type(error).__name__})") from None

    def top(self, resource: str) -> str:
        """Return the resource whose list holds the records of one."""
        return self._parameters.top(resource)


def items_in(parameters: Parameters, resource: str, top: dict[str, Any]) -> Iterator[Item]:
    """Yield the records of a resource that one record of an own list is, or that stand in it."""
    declared = parameters.resources[resource]
    if declared.nested is None:
        yield Item(identity(declared, top, top, "", 0), top, top)
        return
    for parent in items_in(parameters, declared.nested.in_, top):
        yield from inside(declared, parent)


def inside(declared: Resource, parent: Item) -> Iterator[Item]:
    """Yield the records of a nested resource that one parent holds."""
    assert declared.nested is not None
    for name, path in declared.nested.at.items():
        for position, one in enumerate(_found(parent.record, path.split(".")), 1):
            own = identity(declared, one, parent.record, name, position)
            yield Item(own, one, parent.top, parent.source_id)


_OF_READING = {"read", "count", "query", "records", "nested", "updated"}


def declared(parameters: Parameters) -> dict[str, Any]:
    """Return what a recording is of: with another of it the records could be others, or other ones be expected."""
    resources = parameters.resources.items()
    reading = {
        name: {**one.model_dump(mode="json", include=_OF_READING), "id_parts": one.id_parts} for name, one in resources
    }
    tenants = {tenant.name: [tenant.id, tenant.account] for tenant in parameters.tenants}
    source = parameters.source.model_dump(mode="json") if parameters.source else None
    text = json.dumps([source, tenants, reading], sort_keys=True)
    return {
        "integration": parameters.integration,
        "tenants": parameters.tenant_names,
        "resources": sorted(parameters.resources),
        "source": hashlib.sha256(text.encode()).hexdigest(),
        "part": parameters.part.words,
        "form": FORM,
    }


def changed_at(resource: Resource, one: dict[str, Any]) -> datetime | None:
    """Return when a record changed at the source, or None where it does not say, or says it without a time zone."""
    return instant_at(one, resource.updated)


def instant_at(one: dict[str, Any], path: str | None) -> datetime | None:
    """Return the instant at a dotted path, or None where there is none, or one without a time zone.

    A number counts from 1970: seconds, or milliseconds where it would lie beyond the year 5000 otherwise.
    """
    given: Any = value_at(one, path) if path else None
    if isinstance(given, (int, Decimal)) and not isinstance(given, bool):
        seconds = Decimal(given)
        if abs(seconds) >= FARTHEST_SECOND:
            seconds /= 1000
        return EPOCH + timedelta(microseconds=int(seconds * 1_000_000)) if abs(seconds) < FARTHEST_SECOND else None
    try:
        instant = datetime.fromisoformat(given)
    except (TypeError, ValueError):
        return None
    return instant if instant.tzinfo else None


def identity(resource: Resource, one: Any, parent: Any, name: str, position: int) -> str:
    """Return a source record's id as text, built like `expressions.source_id` builds a refined row's."""
    parts = [_id_part(part, kind, one, parent, name, position) for part, kind in resource.id_parts]
    if len(parts) == 1:
        return parts[0]
    if resource.joined is not None:
        return resource.joined.join(parts)
    return json.dumps(parts, ensure_ascii=False)


def _id_part(part: str, kind: Kind | None, one: Any, parent: Any, name: str, position: int) -> str:
    if part == "#":
        return str(position)
    if part == "@":
        return name
    value = value_at(parent, part.removeprefix("../")) if part.startswith("../") else value_at(one, part)
    return id_text(value, kind)


def _found(record: Any, steps: list[str]) -> Iterator[Any]:
    """Yield what stands at a path: each item of a list, or the one object."""
    if isinstance(record, list):
        for one in record:
            yield from _found(one, steps)
    elif not steps:
        if record is not None:
            yield record
    elif isinstance(record, dict):
        yield from _found(record.get(steps[0]), steps[1:])
