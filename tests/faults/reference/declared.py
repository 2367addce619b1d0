"""What a sample's parameter file says, read as YAML and no more: only what the reference compares by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True)
class Field:
    """A column of a refined table, where its value stands at the source, and the form in which both are compared."""

    column: str
    path: str
    form: str


@dataclass(frozen=True)
class Resource:
    name: str
    given: Mapping[str, Any]

    @property
    def key(self) -> list[str]:
        return _listed(self.given["key"])

    @property
    def joined(self) -> str:
        """What stands between the parts of an id."""
        return str(self.given.get("joined", ":"))

    @property
    def id_from(self) -> list[str]:
        return _listed(self.given.get("id_from", "id"))

    @property
    def inside(self) -> str | None:
        """The resource whose records hold those of this one."""
        return self.given["nested"]["in"] if "nested" in self.given else None

    @property
    def places(self) -> dict[str, str]:
        """The names and paths at which a nested resource's records stand in their parent's."""
        at = self.given["nested"]["at"]
        return at if isinstance(at, dict) else {path: path for path in _listed(at)}

    @property
    def tells_its_id(self) -> bool:
        """Whether a record holds its whole id itself, so that no two are alike."""
        return not any(part in "#@" or part.startswith("../") for part in self.id_from)

    @property
    def fields(self) -> Iterator[Field]:
        for column, told in self.given.get("fields", {}).items():
            told = {"from": column, "as": told} if isinstance(told, str) else told
            if told.keys() - {"from", "as"}:
                raise ValueError(f"{self.name}.{column}: the reference does not know {sorted(told)}")
            yield Field(column, told["from"], told["as"])


@dataclass(frozen=True)
class Relation:
    child: str
    parent: str
    given: Mapping[str, Any]

    @property
    def name(self) -> str:
        return f"{self.child} → {self.parent}"

    def says(self, what: str) -> bool:
        return bool(self.given.get(what, False))


@dataclass(frozen=True)
class Declared:
    """A parameter file."""

    given: Mapping[str, Any]

    @property
    def tenants(self) -> dict[str, str]:
        """Their names by their ids; without tenants everything is of all."""
        return {one["id"]: one["name"] for one in self.given.get("tenants", [])}

    @property
    def resources(self) -> dict[str, Resource]:
        defaults = self.given.get("defaults", {})
        return {name: Resource(name, {**defaults, **one}) for name, one in self.given["resources"].items()}

    @property
    def relations(self) -> list[Relation]:
        return [Relation(one["child"], one["parent"], one) for one in self.given.get("relations", [])]

    def in_flight(self) -> tuple[timedelta, timedelta]:
        """How long something may be under way, and how far apart clocks may be."""
        policy = self.given.get("policy", {})
        return timedelta(seconds=policy.get("in_flight_seconds", 0)), timedelta(
            seconds=policy.get("clock_error_seconds", 0)
        )


def declared(path: Path) -> Declared:
    return Declared(yaml.safe_load(path.read_text(encoding="utf-8")))


def value_at(record: Any, path: str) -> Any:
    """What stands at a dotted path, None where nothing does."""
    for step in path.split("."):
        record = record.get(step) if isinstance(record, dict) else None
    return record


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]
