"""What the source itself tells of the records that differ: whose they are, what they stand in, what became of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any

from dsaudit.parameters import Resource
from dsaudit.parameters.ids import id_text
from dsaudit.reconcile.values import same_json
from dsaudit.source.recording import Item, identity, value_at

if TYPE_CHECKING:
    from dsaudit.audit import Audit

Key = tuple[str, str, str]  # tenant, resource, source id


@dataclass
class Origins:
    """The source's records of some keys.

    ``items`` holds them for every tenant whose list is whole and has that id, ``families`` all records that stand in
    the same parent (tenant, resource, parent's id) as one of them, in their order, ``merged`` for an id the one that
    the source merged it into, ``unread`` the lists (tenant, resource) that cannot be relied on.
    """

    items: dict[Key, Item] = field(default_factory=dict)
    families: dict[Key, list[Item]] = field(default_factory=dict)
    merged: dict[Key, str] = field(default_factory=dict)
    unread: set[tuple[str, str]] = field(default_factory=set)

    def family(self, key: Key) -> list[Item]:
        """Return the records that stand in the same parent as one, itself included; of an own list's record none."""
        item = self.items.get(key)
        return self.families.get((key[0], key[1], item.parent_id), []) if item and item.parent_id is not None else []


def find(audit: Audit, keys: Iterable[Key]) -> Origins:
    """Read the lists of the resources concerned once, and keep what belongs to `keys`, under whatever tenant."""
    wanted: dict[str, set[str]] = {}
    for _, resource, source_id in keys:
        wanted.setdefault(resource, set()).add(source_id)
    found = Origins()
    for name, ids in wanted.items():
        for tenant in audit.parameters.tenant_names:
            if audit.source.problem(tenant, name):
                found.unread.add((tenant, name))
            else:
                _look_through(audit, found, tenant, name, ids)
    return found


def _look_through(audit: Audit, found: Origins, tenant: str, name: str, ids: set[str]) -> None:
    # What stands in one parent comes one after another, so that no more than one family is held at a time.
    for parent, group in groupby(audit.source.items(tenant, name), key=lambda item: item.parent_id):
        _look_at(audit.parameters.resources[name], found, (tenant, name, parent or ""), group, ids)


def _look_at(resource: Resource, found: Origins, parent: Key, group: Iterable[Item], ids: set[str]) -> None:
    tenant, name, _ = parent
    members = [*group] if resource.nested else group
    for item in members:
        if item.source_id in ids:
            found.items[tenant, name, item.source_id] = item
            if isinstance(members, list):
                found.families[parent] = members
        for one in _merged(resource, item.record):
            if one in ids:
                found.merged[tenant, name, one] = item.source_id


def _merged(resource: Resource, record: dict[str, Any]) -> Iterator[str]:
    listed = value_at(record, resource.known.merged) if resource.known.merged else None
    several = listed if isinstance(listed, list) else [] if listed is None else [listed]
    yield from (id_text(one, resource.id_kind) for one in several)


def top_of(audit: Audit, name: str, item: Item | None) -> tuple[str, str | None]:
    """Return the resource and the id of the record of the own list that one stands in; of an own one, itself."""
    name = audit.parameters.top(name)
    resource = audit.parameters.resources[name]
    return name, identity(resource, item.top, item.top, "", 0) if item else None


def left_out(top: Resource, item: Item | None) -> str | None:
    """Return the path for whose value the parameter file leaves a record out with its whole `top`, or None."""
    rules = top.known.left_out.items() if item else ()
    return next((path for path, value in rules if item and same_json(value_at(item.top, path), value)), None)


def parents(audit: Audit, name: str, item: Item | None) -> Iterator[tuple[str, str]]:
    """Yield resource and source id of what a record cannot be without, as far as the file shows where its id stands.

    That is the record it is nested in; otherwise the one whose key column is, under the same name, a declared field.
    """
    resource = audit.parameters.resources[name]
    if item is None:
        return
    for relation in audit.parameters.relations:
        parent = relation.parent.split(".")[0]
        if relation.child.split(".")[0] != name or relation.nullable:
            continue
        if resource.nested and resource.nested.in_ == parent and item.parent_id is not None:
            yield parent, item.parent_id
            continue
        key = audit.parameters.resources[parent].key
        given = resource.fields.get(key[0]) if len(key) == 1 else None
        value = value_at(item.record, given.from_) if given else None
        if value is not None:
            yield parent, id_text(value, audit.parameters.resources[parent].id_kind)
