"""The rows that come and go while an import is pushed: which are its own, and what each of them lacks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dsaudit.database.expressions import id_of, quoted, row_id, source_id, value_of
from dsaudit.parameters.tenancy import tenancy_columns

if TYPE_CHECKING:
    from dsaudit.audit import Audit
    from dsaudit.database import TableInfo
    from dsaudit.parameters import Resource
    from dsaudit.parameters.resource import Relation

Keys = dict[str, set[str]]  # of each resource, by its name
Node = tuple[str, str]  # a resource, and the key of one of its rows


@dataclass(frozen=True)
class Row:
    """One row that is new: whose it is, by column; what it refers to and is referred to by, by an end of a relation."""

    resource: str
    key: str
    owners: Mapping[str, str | None]
    ends: Mapping[str, str | None]
    is_marked: bool

    @property
    def node(self) -> Node:
        """By what it is told from all others."""
        return self.resource, self.key


def keys(audit: Audit) -> Keys:
    """Return the keys of all rows of the audited tables as they are now.

    Raises
    ------
    QueryError, RelationMissing
        The database does not answer, or lacks a table.
    """
    return {name: _present(audit, name, None) for name in audit.parameters.whole.resources}


def still_there(audit: Audit, wanted: Mapping[str, Iterable[str]]) -> list[dict[str, str]]:
    """Return which of some rows are there now, each with its resource and key; raises as `keys` does."""
    return [
        {"resource": name, "source_id": key}
        for name, own in wanted.items()
        if own
        for key in sorted(_present(audit, name, list(own)))
    ]


def less(one: Keys, other: Keys) -> Keys:
    """Return the keys that are in one alone."""
    return {name: own - other.get(name, set()) for name, own in one.items()}


def read(audit: Audit, new: Keys, mark: str) -> list[Row]:
    """Return the rows of some keys, with what ties them to each other; raises as `keys` does."""
    return [row for name, own in new.items() if own for row in _rows(audit, name, sorted(own), mark)]


def _present(audit: Audit, name: str, among: list[str] | None) -> set[str]:
    resource, table, source = _table(audit, name)
    key = _key(resource, table)
    limit = "" if among is None else f" where {key} = any(%(among)s)"
    answer = audit.database.now().query(f"select {key} as key from {source}{limit}", {"among": among}, most=None)
    return {str(row[0]) for row in answer.rows}


def _rows(audit: Audit, name: str, own: list[str], mark: str) -> Iterator[Row]:
    resource, table, source = _table(audit, name)
    owners = [column for column in tenancy_columns(audit.parameters.whole, name) if column in table.columns]
    ends = sorted({end for one in _relations(audit) for end in (one.child, one.parent) if end.startswith(f"{name}.")})
    told = [f"({value_of(column, table)})::text as o{number}" for number, column in enumerate(owners)]
    told += [f"{id_of(end.partition('.')[2], table)} as e{number}" for number, end in enumerate(ends)]
    is_marked = "strpos(pg_catalog.to_jsonb(x)::text, %(mark)s) > 0"
    selected = ", ".join([f"{_key(resource, table)} as key", f"{is_marked} as marked", *told])
    query = f"select {selected} from {source} where {_key(resource, table)} = any(%(own)s)"
    for row in audit.database.now().query(query, {"own": own, "mark": mark}, most=None).records:
        yield Row(
            name,
            str(row["key"]),
            {column: row[f"o{number}"] for number, column in enumerate(owners)},
            {end: row[f"e{number}"] for number, end in enumerate(ends)},
            bool(row["marked"]),
        )


def _table(audit: Audit, name: str) -> tuple[Resource, TableInfo, str]:
    resource = audit.parameters.whole.resources[name]
    table = audit.relations.whole.table(resource.table)
    return resource, table, f"{quoted(table.schema)}.{quoted(table.name)} as x"


def _key(resource: Resource, table: TableInfo) -> str:
    return source_id(resource, table) if resource.key else row_id(resource, table)


def _relations(audit: Audit) -> list[Relation]:
    return audit.parameters.whole.relations


# Which rows are its own


def sorted_out(audit: Audit, new: list[Row], own: Node | None, start: str) -> tuple[list[Row], list[Row], list[Row]]:
    """Return of the new rows those that came with the import, those that hang on nothing, and those of other imports.

    A row is its own where relations tie it to the import `own`, or where it holds the mark. One that relations tie to
    another new row of the resource `start` came with that one, which somebody else has made.
    """
    group = _groups(audit, new)
    mine = {group[row.node] for row in new if row.node == own}
    came = [row for row in new if group[row.node] in mine or row.is_marked]
    others = {group[row.node] for row in new if row.resource == start and row not in came}
    left = [row for row in new if row not in came]
    return came, [row for row in left if group[row.node] not in others], [r for r in left if group[r.node] in others]


def tied(audit: Audit, new: list[Row], own: Collection[Node]) -> list[Row]:
    """Return of the new rows those that relations tie to one of `own`, or to one that holds the mark."""
    group = _groups(audit, new)
    mine = {group[row.node] for row in new if row.is_marked or row.node in own}
    return [row for row in new if group[row.node] in mine]


def _groups(audit: Audit, new: list[Row]) -> dict[Node, Node]:
    """Return for each row one that stands for all which relations tie together."""
    above = {row.node: row.node for row in new}

    def top(node: Node) -> Node:
        while above[node] != node:
            above[node] = node = above[above[node]]
        return node

    for relation in _relations(audit):
        parents = {row.ends[relation.parent]: row.node for row in new if relation.parent in row.ends}
        for row in new:
            parent = parents.get(row.ends.get(relation.child) or "")
            if relation.child in row.ends and parent:
                above[top(row.node)] = top(parent)
    return {row.node: top(row.node) for row in new}


def unlinked(audit: Audit, came: list[Row], free: Iterable[str]) -> list[dict[str, Any]]:
    """Return the references of the import's rows that are empty, or lead past what came; not those in `free`.

    Where no parent of a kind came, as when an import joins a flow that was there, any of them will do.
    """
    found = []
    for relation in _relations(audit):
        if relation.child in free:
            continue
        parents = {row.ends[relation.parent] for row in came if relation.parent in row.ends}
        above = relation.parent.partition(".")[0]
        for row in came:
            if relation.child not in row.ends:
                continue
            value = row.ends[relation.child]
            problem = None
            if value is None:
                problem = "it is empty"
            elif parents and value not in parents:
                problem = f"it leads to no {above} that came with the import"
            if problem:
                told = {"resource": row.resource, "source_id": row.key, "relation": relation.name}
                found.append({**told, "problem": problem})
    return found


def foreign(audit: Audit, came: list[Row], columns: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the rows of the import that do not belong to whom it was pushed for, once for each column that says so."""
    found = []
    tenancy = audit.parameters.whole.tenancy
    names = tenancy.columns if tenancy else []
    for row in came:
        own = dict(zip(tenancy_columns(audit.parameters.whole, row.resource), names, strict=True))
        for column, value in row.owners.items():
            wanted = columns.get(own[column])
            if wanted is not None and (value or "").lower() != wanted.lower():
                problem = "it is empty" if value is None else "it is another's"
                found.append({"resource": row.resource, "source_id": row.key, "column": column, "problem": problem})
    return found
