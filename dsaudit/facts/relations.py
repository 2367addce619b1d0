"""The declared relations beside the database's foreign keys: which of these is which."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dsaudit.database import RelationMissing, TableInfo
from dsaudit.facts.schema.constraints import Constraints, ForeignKey, Pair, constraints
from dsaudit.parameters.resource import Relation
from dsaudit.parameters.tenancy import tenancy_columns

if TYPE_CHECKING:
    from dsaudit.audit import Audit


@dataclass(frozen=True)
class Known:
    """A declared relation with its two tables, and the foreign keys that are on its columns.

    `keys` join just these, or these and the columns of the tenancy; `others` start at the child's column as well, and
    lead elsewhere.
    """

    relation: Relation
    child: TableInfo
    parent: TableInfo
    pair: Pair
    keys: list[ForeignKey]
    others: list[ForeignKey]

    @property
    def at_work(self) -> list[ForeignKey]:
        """The foreign keys that the database holds the rows to."""
        return [one for one in self.keys if one.problem is None]


def known(audit: Audit) -> Iterator[tuple[Relation, Known | None, str | None]]:
    """Yield each declared relation, with what is known of it or why nothing can be."""
    facts = constraints(audit)
    for relation in audit.parameters.relations:
        try:
            yield relation, *_found(audit, relation, facts)
        except RelationMissing as error:
            yield relation, None, str(error)


def _found(audit: Audit, relation: Relation, facts: Constraints) -> tuple[Known | None, str | None]:
    tables, columns = [], []
    for end in (relation.child, relation.parent):
        resource, _, column = end.partition(".")
        table = audit.relations.table(audit.parameters.resources[resource].table)
        if column not in table.columns:
            return None, f"the table {table.schema}.{table.name} has no column {column}"
        if facts.kinds.get(table.oid) not in ("r", "p"):
            return (
                None,
                f"{table.schema}.{table.name} is a view or a foreign table; constraints are on what is behind it",
            )
        tables.append(table)
        columns.append(column)
    child, parent = tables
    pair = (columns[0], columns[1])
    of_tenants = tenancy_pairs(audit, relation.child.partition(".")[0], relation.parent.partition(".")[0])
    leaving = [one for one in facts.foreign_keys if one.child == child.oid and pair[0] in dict(one.pairs)]
    keys = [one for one in leaving if one.parent == parent.oid and bare(one, of_tenants) == [pair]]
    # One that starts at a column of the tenancy too says nothing of this relation, unless it is this one.
    others = [one for one in leaving if one not in keys and not one.is_inherited]
    return Known(relation, child, parent, pair, keys, others), None


def tenancy_pairs(audit: Audit, child: str, parent: str) -> set[Pair]:
    """Return the columns of two resources that tell the tenant; a foreign key may have them beside its own."""
    ends = [tenancy_columns(audit.parameters, resource) for resource in (child, parent)]
    return set(zip(*ends, strict=False))


def bare(key: ForeignKey, of_tenants: set[Pair]) -> list[Pair]:
    """Return what a foreign key joins beside the columns of the tenancy, or these where there is nothing else."""
    return [pair for pair in key.pairs if pair not in of_tenants] or list(key.pairs)


def resources_of(audit: Audit) -> dict[int, list[str]]:
    """Return the resources of each audited table that is there, by its object id."""
    found: dict[int, list[str]] = {}
    for name, resource in audit.parameters.resources.items():
        try:
            found.setdefault(audit.relations.table(resource.table).oid, []).append(name)
        except RelationMissing:
            continue  # another check says so
    return found
