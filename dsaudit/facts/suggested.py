"""Columns that evidently refer to another table, although neither the file nor a foreign key says so.

Evident is what three things say at once: the name, the type, and the values, of which nearly all are found there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dsaudit import naming
from dsaudit.database import QueryError, TableInfo
from dsaudit.database.expressions import quoted
from dsaudit.facts.relations import known, resources_of
from dsaudit.facts.schema.constraints import constraints
from dsaudit.parameters.tenancy import tenancy_columns

if TYPE_CHECKING:
    from dsaudit.audit import Audit

ROWS, VALUES = 10_000, 1_000  # of the child's table that are looked at, and different values of these that are
LEAST, SHARE = 3, 0.95  # so few values prove nothing, and so large a share of them has to be found
_STEM = re.compile(r"(.+)_(?:id|uid|uuid|key)")


@dataclass(frozen=True)
class Suggestion:
    """A column that evidently refers to another table's key: of so many values, so many are found there."""

    child: str
    column: str
    parent: str
    key: str
    values: int
    found: int


def suggestions(audit: Audit) -> list[Suggestion]:
    """Return the undeclared but evident references of the audited tables, to whatever table of the database."""
    return [
        one for child, column, parent, key in _candidates(audit) if (one := _tried(audit, child, column, parent, key))
    ]


def _candidates(audit: Audit) -> Iterator[tuple[TableInfo, str, TableInfo, str]]:
    facts, resources = constraints(audit), resources_of(audit)
    tables = {info.oid: info for info in audit.database.catalogue().values() if facts.kinds.get(info.oid) in ("r", "p")}
    said = {(key.child, column) for key in facts.foreign_keys for column, _ in key.pairs}
    said |= {(one.child.oid, one.pair[0]) for _, one, _ in known(audit) if one}
    keys = {(i.table, i.columns[0]) for i in facts.indexes if i.is_unique and not i.partial and len(i.columns) == 1}
    for oid, owners in resources.items():
        own = {*audit.parameters.resources[owners[0]].key, *tenancy_columns(audit.parameters, owners[0])}
        for column, kind in tables[oid].columns.items() if oid in tables else ():
            if (oid, column) in said or column in own:
                continue
            for target, key in sorted(keys):
                is_typed = target in tables and tables[target].columns[key] == kind and (target, key) != (oid, column)
                if is_typed and _is_named(column, oid, key, tables[target], resources.get(target, [])):
                    yield tables[oid], column, tables[target], key


def _is_named(column: str, child: int, key: str, parent: TableInfo, resources: list[str]) -> bool:
    """Return whether a column is called like a table, or a resource, and its id, or just like the other's key."""
    name, stem = naming.snake(column), _STEM.fullmatch(naming.snake(column))
    if stem is None:
        return False
    if parent.oid == child:
        return stem[1] in ("parent", "previous", "original")
    names = {naming.snake(parent.name), naming.one(parent.name), *resources}
    return name == naming.snake(key) or any(stem[1] == one or stem[1].endswith(f"_{one}") for one in names)


def _tried(audit: Audit, child: TableInfo, column: str, parent: TableInfo, key: str) -> Suggestion | None:
    ends = [f"{quoted(table.schema)}.{quoted(table.name)}" for table in (child, parent)]
    few = f"select {quoted(column)} as value from {ends[0]} where {quoted(column)} is not null limit {ROWS}"
    sql = (
        f"select count(*) as values, count(*) filter (where exists"
        f" (select from {ends[1]} as p where p.{quoted(key)} = few.value)) as found"
        f" from (select distinct value from ({few}) as one limit {VALUES}) as few"
    )
    try:
        values, found = audit.database.query(sql).rows[0]
    except QueryError:
        return None  # a table that the auditor may not read, or one that is too large for a look
    evident = values >= LEAST and found >= SHARE * values
    names = (f"{child.schema}.{child.name}", column, f"{parent.schema}.{parent.name}", key)
    return Suggestion(*names, values, found) if evident else None
