"""The declared relations and the tenancy, row by row; each finding begins with tenant and relation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.faults.reference.declared import Relation
from tests.faults.reference.receiving import Finding
from tests.faults.reference.system import Refined, System


@dataclass(frozen=True)
class Ends:
    """The rows of both ends of a relation, and the columns that join them."""

    relation: Relation
    children: list[Refined]
    parents: list[Refined]

    def parent_of(self, child: Refined) -> Any:
        """What a child says of its parent."""
        return child.row[self.relation.child.split(".")[1]]

    def link(self, parent: Refined) -> Any:
        return parent.row[self.relation.parent.split(".")[1]]

    def by_link(self) -> dict[Any, list[Refined]]:
        found: dict[Any, list[Refined]] = {}
        for one in self.parents:
            found.setdefault(self.link(one), []).append(one)
        return found

    def named(self, tenant: str, *more: object) -> Finding:
        return tenant, self.relation.name, *more


def ends(system: System) -> Iterator[Ends]:
    for one in system.declared.relations:
        child, parent = one.child.split(".")[0], one.parent.split(".")[0]
        yield Ends(one, system.refined[child], system.refined[parent])


def orphans(system: System) -> Iterator[Finding]:
    """Id and parent of each live child whose parent is not there; an empty reference only where it may not be."""
    for both in ends(system):
        parents = both.by_link()
        for child in both.children:
            named = both.parent_of(child)
            is_lost = not both.relation.says("nullable") if named is None else named not in parents
            if is_lost and not child.deleted:
                yield both.named(child.tenant, child.source_id, named)


def references_stay_within_the_tenant(system: System) -> Iterator[Finding]:
    """Id of each child whose parent is another tenant's, and that finds none of its own."""
    for both in ends(system):
        parents = both.by_link()
        for child in both.children:
            owners = {one.tenant for one in parents.get(both.parent_of(child), ())} - {"all"}
            if owners and child.tenant not in owners:
                yield both.named(child.tenant, child.source_id)


def children_of_deleted_parents(system: System) -> Iterator[Finding]:
    """Id of each live child of a deleted parent, where a parent takes its children along."""
    for both in ends(system):
        if both.relation.says("nullable") or both.relation.says("keeps_children"):
            continue
        parents = both.by_link()
        for child in both.children:
            above = [one for one in parents.get(both.parent_of(child), ()) if one.tenant == child.tenant]
            if not child.deleted and any(one.deleted for one in above):
                yield both.named(child.tenant, child.source_id)


def parents_have_their_children(system: System) -> Iterator[Finding]:
    """Id of each live parent that has to have a child, and has none."""
    for both in ends(system):
        if both.relation.says("every_parent"):
            counted = _counted(both)
            for parent in both.parents:
                if not parent.deleted and not counted[both.link(parent), parent.tenant]:
                    yield both.named(parent.tenant, parent.source_id)


def parents_count_their_children(system: System) -> Iterator[Finding]:
    """Id of each live parent that has another number of children than it says."""
    for both in ends(system):
        column = both.relation.given.get("counted_by", "")
        counted = _counted(both)
        for parent in both.parents if column else ():
            if not parent.deleted and (parent.row[column] or 0) != counted[both.link(parent), parent.tenant]:
                yield both.named(parent.tenant, parent.source_id)


def _counted(both: Ends) -> Counter[tuple[Any, str]]:
    return Counter((both.parent_of(one), one.tenant) for one in both.children if not one.deleted)


def enough_children_are_linked(system: System) -> Iterator[Finding]:
    """Id of each live child without a parent, where too many of its tenant's are."""
    for both in ends(system):
        least = both.relation.given.get("linked_percent", 0)
        parents = both.by_link()
        live = [one for one in both.children if not one.deleted] if least else []
        for tenant in {one.tenant for one in live}:
            own = [one for one in live if one.tenant == tenant]
            alone = [one for one in own if both.parent_of(one) not in parents]
            if 100 * (len(own) - len(alone)) < least * len(own):
                yield from (both.named(tenant, one.source_id) for one in alone)


def children_share_the_tenancy(system: System) -> Iterator[Finding]:
    """Id of each child whose parent is another's by a column that tells whose a row is, and not one of its own."""
    columns = system.declared.given.get("tenancy", {}).get("columns", ())
    for both in ends(system) if columns else ():
        parents = both.by_link()
        for child in both.children:
            above = parents.get(both.parent_of(child), ())
            own = [child.row[column] for column in columns]
            if above and all([one.row[column] for column in columns] != own for one in above):
                yield both.named(child.tenant, child.source_id)


def tenant_columns_are_filled(system: System) -> Iterator[Finding]:
    """Resource, id and column of each row that does not say whose it is."""
    columns = system.declared.given.get("tenancy", {}).get("columns", ())
    for name, resource in system.resources.items():
        for row in system.export.tables[resource.given["table"]] if columns else ():
            for column in columns:
                if row[column] is None:
                    yield name, row[resource.key[0]], column
