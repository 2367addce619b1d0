"""Columns that evidently refer to another table, although neither the file nor a foreign key says so.

Evident is what three things say at once: the name, the type, and the values, of which nearly all are found there.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dsaudit import naming
from dsaudit.database import Database, QueryError, TableInfo
from dsaudit.database.expressions import quoted
from dsaudit.facts.relations import known, resources_of
from dsaudit.facts.schema.constraints import Constraints, constraints
from dsaudit.parameters.tenancy import tenancy_columns

if TYPE_CHECKING:
    from dsaudit.audit import Audit

ROWS, VALUES = 10_000, 1_000  # of the child's table that are looked at, and different values of these that are
LEAST, SHARE = 3, 0.95  # so few values prove nothing, and so large a share of them has to be found
Key = tuple[int, str]  # a table's object id, and the column of a unique index
_STEM = re.compile(r"(.+)_(?:id|uid|uuid|key)")


@dataclass(frozen=True)
class Suggestion:
    """A column that evidently refers to another table's key: of so many values, so many are found there.

    `orphans` are the rows of the whole table that refer to none; None where counting them took too long.
    """

    child: str
    column: str
    parent: str
    key: str
    values: int
    found: int
    orphans: int | None = None


def suggestions(audit: Audit) -> list[Suggestion]:
    """Return the undeclared but evident references of the audited tables, to whatever table of the database."""
    resources = resources_of(audit)
    said = {(one.child.oid, one.pair[0]) for _, one, _ in known(audit) if one}
    for oid, owners in resources.items():
        key = audit.parameters.resources[owners[0]].key
        said |= {(oid, column) for column in tenancy_columns(audit.parameters, owners[0])}
        said |= {(oid, key[0])} if len(key) == 1 else set()  # the parts of a longer one may each refer
    return [one for _, _, one in evident(audit.database, constraints(audit), resources, said)]


def evident(
    database: Database,
    facts: Constraints,
    resources: Mapping[int, Sequence[str]],
    said: Collection[tuple[int, str]],
    counted: Collection[int] | None = None,
) -> list[tuple[int, int, Suggestion]]:
    """Return the evident references of some tables, each with the object ids of its child's and its parent's table.

    `resources` are what the tables are called beside their names, `said` the columns of which it is known what they
    are; orphans are counted in the tables `counted`, or in all.
    """
    found = []
    for child, column, parent, key in _candidates(database, facts, resources, said):
        if one := _tried(database, child, column, parent, key, counted is None or child.oid in counted):
            found.append((child.oid, parent.oid, one))
    return found


def _candidates(
    database: Database,
    facts: Constraints,
    resources: Mapping[int, Sequence[str]],
    said: Collection[tuple[int, str]],
) -> Iterator[tuple[TableInfo, str, TableInfo, str]]:
    tables = {info.oid: info for info in database.catalogue().values() if facts.kinds.get(info.oid) in ("r", "p")}
    referring = {(key.child, column) for key in facts.foreign_keys for column, _ in key.pairs}
    keys = {(i.table, i.columns[0]) for i in facts.indexes if i.is_unique and not i.partial and len(i.columns) == 1}
    called = _called(tables, sorted(key for key in keys if key[0] in tables), resources)
    for oid in resources:
        for column, kind in tables[oid].columns.items() if oid in tables else ():
            if (oid, column) in referring or (oid, column) in said:
                continue
            stem = _STEM.fullmatch(naming.snake(column))
            is_of_its_own = stem is not None and stem[1] in ("parent", "previous", "original")
            named = [key for key in keys if key[0] == oid] if is_of_its_own else []
            named += [key for key in called(column) if key[0] != oid]
            for target, key in sorted({*named}):
                is_typed = tables[target].columns[key] == kind and (target, key) != (oid, column)
                if is_typed and (oid, target) not in facts.heirs:
                    yield tables[oid], column, tables[target], key


def _called(
    tables: Mapping[int, TableInfo], keys: Sequence[Key], resources: Mapping[int, Sequence[str]]
) -> Callable[[str], set[Key]]:
    """Return what tells the keys that a column is called like: a table, or a resource, and its key, or just the key."""
    ends, whole, alike = (
        defaultdict[str, set[Key]](set),
        defaultdict[str, set[Key]](set),
        defaultdict[str, set[Key]](set),
    )
    for oid, key in keys:
        target = naming.snake(key)
        alike[target].add((oid, key))
        for one in {naming.snake(tables[oid].name), naming.one(tables[oid].name), *resources.get(oid, [])}:
            ends[one].add((oid, key))
            if target != "id":
                whole[f"{one}{target}".replace("_", "")].add((oid, key))

    def called(column: str) -> set[Key]:
        name = naming.snake(column)
        found = set(whole.get(name.replace("_", ""), ()))
        if stem := _STEM.fullmatch(name):
            words = stem[1].split("_")
            found |= alike.get(name, set())
            found |= {key for at in range(len(words)) for key in ends.get("_".join(words[at:]), ())}
        return found

    return called


def _tried(
    database: Database, child: TableInfo, column: str, parent: TableInfo, key: str, is_counted: bool
) -> Suggestion | None:
    ends = [f"{quoted(table.schema)}.{quoted(table.name)}" for table in (child, parent)]
    few = f"select {quoted(column)} as value from {ends[0]} where {quoted(column)} is not null limit {ROWS}"
    sql = (
        f"select count(*) as values, count(*) filter (where exists"
        f" (select from {ends[1]} as p where p.{quoted(key)} = few.value)) as found"
        f" from (select distinct value from ({few}) as one limit {VALUES}) as few"
    )
    lost = (
        f"select count(*) as orphans from {ends[0]} as c where c.{quoted(column)} is not null"
        f" and not exists (select from {ends[1]} as p where p.{quoted(key)} = c.{quoted(column)})"
    )
    try:
        values, found = database.query(sql).rows[0]
    except QueryError:
        return None  # a table that the auditor may not read, or one that is too large for a look
    if values < LEAST or found < SHARE * values:
        return None
    try:
        orphans = database.query(lost).rows[0][0] if is_counted else None
    except QueryError:
        orphans = None  # it took too long
    names = (f"{child.schema}.{child.name}", column, f"{parent.schema}.{parent.name}", key)
    return Suggestion(*names, values, found, orphans)
