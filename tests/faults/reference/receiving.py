"""What was received, held against itself and against the refined rows that were made of it."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from tests.faults.reference.declared import value_at
from tests.faults.reference.system import Refined, System, Version

Finding = tuple[object, ...]
NO_IDS = {"", "None", "null", "undefined"}


def null_source_ids(system: System) -> Iterator[Finding]:
    """Tenant, resource and row of each version that does not say which object it is of."""
    for one in system.versions:
        if (one.told_id or "").strip(" ") in NO_IDS:
            yield one.tenant, one.resource, one.row_id


def null_hashes(system: System) -> Iterator[Finding]:
    """Tenant, resource, id and row of each version without a hash."""
    for one in system.versions:
        if one.hash is None:
            yield one.tenant, one.resource, one.source_id, one.row_id


def stored_hashes_match_payload(system: System) -> Iterator[Finding]:
    """Tenant, resource, id and row of each version whose hash is not that of its payload."""
    digest = getattr(hashlib, system.declared.given["raw"]["hash"]["digest"])
    for one in system.versions:
        if one.hash is not None and one.hash != digest(_canonical(one.payload).encode()).hexdigest():
            yield one.tenant, one.resource, one.source_id, one.row_id


def _canonical(payload: Any) -> str:
    """The payload as ``sorted_json``: names in order, no blanks, numbers as Python writes them."""
    return json.dumps(_floats(payload), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _floats(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _floats(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_floats(one) for one in value]
    return float(value) if isinstance(value, Decimal) else value


def shared_hashes(system: System) -> Iterator[Finding]:
    """Tenant, resource and hash that two objects have, of resources whose records tell their ids."""
    objects: dict[Finding, set[str]] = {}
    for one in system.versions:
        if one.hash is not None and system.resources[one.resource].tells_its_id:
            objects.setdefault((one.tenant, one.resource, one.hash), set()).add(one.source_id)
    yield from (place for place, ids in objects.items() if len(ids) > 1)


def consecutive_duplicate_hashes(system: System) -> Iterator[Finding]:
    """Tenant, resource, id and row of each version with the hash of the one that came before it."""
    came: dict[Finding, list[Version]] = {}
    for one in system.versions:
        came.setdefault((one.tenant, one.resource, one.source_id), []).append(one)
    for place, versions in came.items():
        before: str | None = None
        for one in sorted(versions, key=lambda version: (version.received, version.row_id)):
            if one.hash is not None and one.hash == before:
                yield *place, one.row_id
            before = one.hash


def deliveries_stored_twice(system: System) -> Iterator[Finding]:
    """Tenant, resource, id and delivery that stand in two rows, of resources that have topics."""
    counted = Counter(
        (one.tenant, one.resource, one.source_id, one.delivery_id)
        for one in system.versions
        if one.delivery_id is not None and system.resources[one.resource].given.get("webhooks")
    )
    yield from (place for place, count in counted.items() if count > 1)


def raw_missing_in_refined(system: System) -> Iterator[Finding]:
    """Tenant, resource and id of what was received, is not deleted, and has no refined row.

    What was skipped on purpose is left to its source, and so is a row that is marked deleted.
    """
    there = {name: {(one.tenant, one.source_id) for one in rows} for name, rows in system.refined.items()}
    for (resource, key), newest in system.newest.items():
        is_due = not newest.deleted and newest.state != "skipped" and not system.under_way(newest)
        if is_due and key not in there[resource]:
            yield newest.tenant, resource, newest.source_id


def refined_built_from_newest(system: System) -> Iterator[Finding]:
    """Tenant, resource and id of each refined row that was built from another version than the newest."""
    for name, rows in system.refined.items():
        column = system.resources[name].given.get("built_from", "")
        for one in rows if column else ():
            newest = system.newest_of(name, one)
            if newest is None or one.row[column] == newest.row_id or system.under_way(newest):
                continue
            if not (one.deleted and newest.deleted):
                yield one.tenant, name, one.source_id


def one_refined_row_per_source_id(system: System) -> Iterator[Finding]:
    """Tenant, resource and id that two refined rows have."""
    for name, rows in system.refined.items():
        counted = Counter((one.tenant, name, one.source_id) for one in rows if one.source_id is not None)
        yield from (place for place, count in counted.items() if count > 1)


def null_keys(system: System) -> Iterator[Finding]:
    """Table and column that is null somewhere, and that tells whose record a row is, or which."""
    wanted: dict[str, set[str]] = {}
    if raw := system.declared.given.get("raw"):
        columns = {name: raw["columns"].get(name, name) for name in ("tenant", "source_id")}
        wanted[raw["table"]] = {"object_type", *columns.values()}
    for one in system.resources.values():
        owner = one.given.get("tenant")
        wanted.setdefault(one.given["table"], set()).update([*one.key, *([owner] if owner else [])])
    for table, names in wanted.items():
        for column in names:
            if any(row[column] is None for row in system.export.tables[table]):
                yield table, column


def children_match_payload(system: System) -> Iterator[Finding]:
    """Tenant, resource of the children, and id of each live parent that has another number of them in its payload."""
    for name, resource in system.resources.items():
        above = resource.inside
        if above is None or len(resource.places) != 1:
            continue
        (path,) = resource.places.values()
        relation = next(
            one
            for one in system.declared.relations
            if one.child.startswith(f"{name}.") and one.parent.startswith(f"{above}.")
        )
        by, to = relation.child.split(".")[1], relation.parent.split(".")[1]
        children = [one for one in system.refined[name] if not one.deleted]
        for parent in (one for one in system.refined[above] if not one.deleted):
            newest = system.newest_of(above, parent)
            if newest is None or newest.deleted or system.under_way(newest):
                continue
            if _inside(newest.payload, path) != _hanging(children, by, parent.row[to], parent.tenant):
                yield parent.tenant, name, parent.source_id


def _inside(payload: Any, path: str) -> int:
    found = value_at(payload, path)
    return len(found) if isinstance(found, list) else int(isinstance(found, dict))


def _hanging(children: list[Refined], by: str, parent: object, tenant: str) -> int:
    return sum(one.row[by] == parent and one.tenant == tenant for one in children)
