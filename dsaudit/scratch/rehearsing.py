"""Rehearses deletions on the copy: a parent with children is deleted, and every other table is looked at afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import psycopg

from dsaudit.database.errors import first_line
from dsaudit.scratch.model import Foreign, Scratch, Table, literal, quoted

MOST_OBSTACLES = 10
Fate = Literal["deleted", "nulled", "defaulted", "refused", "left", "mixed", "not tried"]


@dataclass(frozen=True)
class Link:
    """A child's columns that refer to a parent's; `on_delete` is what is declared, if anything is."""

    child: str  # schema.table, like the parent
    columns: tuple[str, ...]
    parent: str
    keys: tuple[str, ...]
    on_delete: str | None = None  # cascade, restrict, no_action, set_null, set_default

    @property
    def name(self) -> str:
        """How the link is told of."""
        return f"{self.child} ({', '.join(self.columns)}) → {self.parent} ({', '.join(self.keys)})"


@dataclass(frozen=True)
class Along:
    """What became of one more table's rows, and how many of them the foreign keys alone would have taken."""

    deleted: int
    changed: int
    expected: int  # deleted by the cascades that are declared


@dataclass(frozen=True)
class Rehearsal:
    """What the database did to the children when one parent was deleted."""

    link: Link
    fate: Fate
    children: int = 0
    deleted: int = 0
    nulled: int = 0
    defaulted: int = 0
    left: int = 0
    refused_by: str | None = None
    along: dict[str, Along] = field(default_factory=dict)  # every other table that lost or changed rows
    reason: str | None = None

    @property
    def is_as_declared(self) -> bool | None:
        """Whether the children fared as declared; None where nothing is declared or nothing could be tried."""
        wanted = {"cascade": "deleted", "set_null": "nulled", "set_default": "defaulted"}
        if not self.link.on_delete or self.fate == "not tried":
            return None
        return self.fate == wanted.get(self.link.on_delete, "refused")

    @property
    def too_much(self) -> dict[str, int]:
        """Tables that lost more rows than the foreign keys say, and how many more: a trigger or rule took them."""
        return {name: one.deleted - one.expected for name, one in self.along.items() if one.deleted > one.expected}


def links(scratch: Scratch) -> list[Link]:
    """Return every foreign key of the copy as a link, with the rule that it has."""
    return [
        Link(name, one.columns, one.parent, one.keys, one.on_delete)
        for name, table in scratch.tables.items()
        for one in table.foreigns
        if not table.partition_of
    ]


def rehearsals(scratch: Scratch, relations: Sequence[Link] | None = None) -> list[Rehearsal]:
    """Delete a parent with children for each relation, by default each foreign key, of a filled copy; take it back.

    Where relations are given, what goes along by a cascade that none of them declares was not to be expected. Children
    by other relations that refuse the deletion are cleared away first, and that is told.
    """
    rules = {(one.child, one.columns, one.parent, one.keys): one.on_delete for one in links(scratch)}
    declared = links(scratch) if relations is None else list(relations)
    cascades = [
        one
        for one in declared
        if (one.on_delete or rules.get((one.child, one.columns, one.parent, one.keys))) == "cascade"
        and one.child in scratch.tables
        and one.parent in scratch.tables
        and not _absent(scratch.tables, one)
    ]
    with scratch.connect() as connection:
        found = []
        for link in declared:
            # Not a savepoint: what a transaction has written is known by its number.
            found.append(_rehearsed(connection, scratch, link, cascades))
            connection.rollback()
        return found


def _rehearsed(
    connection: psycopg.Connection[Any], scratch: Scratch, link: Link, cascades: Sequence[Link]
) -> Rehearsal:
    tables = scratch.tables
    if gone := [one for one in (link.child, link.parent) if one not in tables]:
        return Rehearsal(link, "not tried", reason=f"{gone[0]} is not in the copy")
    if absent := _absent(tables, link):
        return Rehearsal(link, "not tried", reason=f"the copy has no column {absent}")
    connection.execute("set constraints all immediate")
    place = _parent(connection, tables, link)
    if place is None:
        why = scratch.shortfalls.get(link.child) or scratch.shortfalls.get(link.parent)
        return Rehearsal(link, "not tried", reason=why or "no row refers to a parent")
    mine = _mine(connection, tables, link, place)
    family = _Family(
        mine,
        _named(connection, tables[link.child], link, mine),
        _taken(connection, tables, cascades, link.parent, place),
    )
    children, cleared = len(family.names), list[str]()
    while True:
        before = {name: _count(connection, table) for name, table in _stored(tables)}
        try:
            with connection.transaction():
                connection.execute(f"delete from {tables[link.parent].sql} as p where {place.format('p')}".encode())
            return _told(connection, tables, link, family, before, cleared)
        except psycopg.Error as error:
            by = error.diag.constraint_name
            if _own(tables, link, error):
                return Rehearsal(link, "refused", children, left=children, refused_by=by)
            name = _clear(connection, tables, link, family, error) if len(cleared) < MOST_OBSTACLES else None
            if name is None:
                why = f"refused by another: {by or first_line(error)}"
                return Rehearsal(link, "not tried", children, left=children, refused_by=by, reason=why)
            cleared.append(name)


@dataclass(frozen=True)
class _Family:
    """The children of the parent that is deleted: by a condition on ``t``, by name, and all that cascades take."""

    mine: str
    names: list[str]
    taken: dict[str, set[tuple[int, str]]]


def _absent(tables: Mapping[str, Table], link: Link) -> str | None:
    pairs = [(link.child, one) for one in link.columns] + [(link.parent, one) for one in link.keys]
    return next((f"{table}.{column}" for table, column in pairs if column not in tables[table].columns), None)


def _stored(tables: Mapping[str, Table]) -> Iterator[tuple[str, Table]]:
    yield from ((name, table) for name, table in tables.items() if not table.partition_of)


def _parent(connection: psycopg.Connection[Any], tables: Mapping[str, Table], link: Link) -> str | None:
    """Where a parent lies that has children, and not only itself; the one with the most."""
    same = " and ".join(f"c.{quoted(a)} = p.{quoted(b)}" for a, b in zip(link.columns, link.keys, strict=True))
    itself = " and (c.tableoid, c.ctid) <> (p.tableoid, p.ctid)" if link.child == link.parent else ""
    # A row that is a default itself cannot be replaced by it, and what is a default is mostly among the first rows.
    rules = {one.on_delete for one in tables[link.child].foreigns if one.columns == link.columns}
    way = "desc" if "set_default" in rules else "asc"
    told = connection.execute(
        f"select p.tableoid::bigint, p.ctid::text from {tables[link.parent].sql} as p "
        f"join {tables[link.child].sql} as c on {same}{itself} "
        f"group by p.tableoid, p.ctid order by count(*) desc, 1 {way}, p.ctid {way} limit 1".encode()
    ).fetchone()
    return told and f"{{0}}.tableoid = {told[0]} and {{0}}.ctid = '{told[1]}'"


def _mine(connection: psycopg.Connection[Any], tables: Mapping[str, Table], link: Link, place: str) -> str:
    """The condition on ``t`` of a child of the parent at a place; a row that refers to itself is no child."""
    keys = ", ".join(f"p.{quoted(one)}::text" for one in link.keys)
    query = f"select {keys} from {tables[link.parent].sql} as p where {place.format('p')}"
    found = connection.execute(query.encode()).fetchone() or ()
    columns = tables[link.child].columns
    same = " and ".join(
        f"t.{quoted(column)} = {literal(value)}::{columns[column].storage}"
        for column, value in zip(link.columns, found, strict=True)
    )
    return same + (f" and not ({place.format('t')})" if link.child == link.parent else "")


def _name(table: Table, link: Link) -> str:
    """What a row ``t`` is known by whatever happens to its references: a key, or else its other columns."""
    keys = [key for key in table.keys if not (key.predicate or key.expressions or key.operators)]
    firm = [key.columns for key in keys if not any(table.columns[one].may_be_null for one in key.columns)]
    if firm:
        best = min(firm, key=lambda columns: len({*columns} & {*link.columns}))
        return f"jsonb_build_array({', '.join(f't.{quoted(one)}' for one in best)})::text"
    referring = ", ".join(literal(one) for foreign in table.foreigns for one in foreign.columns)
    return f"(to_jsonb(t) - array[{referring}]::text[])::text"


def _named(connection: psycopg.Connection[Any], table: Table, link: Link, mine: str) -> list[str]:
    rows = connection.execute(f"select {_name(table, link)} from {table.sql} as t where {mine}".encode()).fetchall()
    return [name for (name,) in rows]


def _count(connection: psycopg.Connection[Any], table: Table, condition: str = "true") -> int:
    told = connection.execute(f"select count(*) from {table.sql} as t where {condition}".encode()).fetchone()
    return int(told[0]) if told else 0


def _taken(
    connection: psycopg.Connection[Any], tables: Mapping[str, Table], cascades: Sequence[Link], parent: str, place: str
) -> dict[str, set[tuple[int, str]]]:
    """Which rows go along by cascades, level by level: for each table where they lie."""
    row = connection.execute(
        f"select t.tableoid::bigint, t.ctid::text from {tables[parent].sql} as t where {place.format('t')}".encode()
    ).fetchall()
    taken = {parent: {(oid, at) for oid, at in row}}
    ahead = [(parent, taken[parent])]
    while ahead:
        name, rows = ahead.pop()
        for link in (one for one in cascades if one.parent == name):
            found = _referring(connection, tables, link.child, link, rows) - taken.get(link.child, set())
            if found:
                taken.setdefault(link.child, set()).update(found)
                ahead.append((link.child, found))
    return taken


def _referring(
    connection: psycopg.Connection[Any],
    tables: Mapping[str, Table],
    child: str,
    reference: Foreign | Link,
    rows: set[tuple[int, str]],
) -> set[tuple[int, str]]:
    same = " and ".join(
        f"t.{quoted(a)} = p.{quoted(b)}" for a, b in zip(reference.columns, reference.keys, strict=True)
    )
    found = connection.execute(
        f"select t.tableoid::bigint, t.ctid::text from {tables[child].sql} as t "
        f"join {tables[reference.parent].sql} as p on {same} "
        f"where (p.tableoid::bigint, p.ctid::text) in ({_places(rows)})".encode()
    ).fetchall()
    return {(oid, at) for oid, at in found}


def _places(rows: set[tuple[int, str]]) -> str:
    return ", ".join(f"({oid}, '{at}')" for oid, at in rows)


def _own(tables: Mapping[str, Table], link: Link, error: psycopg.Error) -> bool:
    """Whether it was the link's own foreign key that refused."""
    return any(
        error.diag.constraint_name in one.names and one.columns == link.columns and one.parent == link.parent
        for one in tables[link.child].foreigns
    )


def _clear(
    connection: psycopg.Connection[Any],
    tables: Mapping[str, Table],
    link: Link,
    family: _Family,
    error: psycopg.Error,
) -> str | None:
    """Delete what refuses the deletion by another foreign key, and return that key's name; None if that fails too."""
    for name, table in _stored(tables):
        for foreign in table.foreigns:
            rows = family.taken.get(foreign.parent)
            if error.diag.constraint_name not in foreign.names or not rows:
                continue
            places = _referring(connection, tables, name, foreign, rows)
            if not places:
                continue
            spared = f" and not coalesce({family.mine}, false)" if name == link.child else ""
            where = f"(t.tableoid::bigint, t.ctid::text) in ({_places(places)}){spared}"
            try:
                with connection.transaction():
                    done = connection.execute(f"delete from {table.sql} as t where {where}".encode()).rowcount
            except psycopg.Error:
                return None
            return foreign.name if done else None
    return None


def _told(
    connection: psycopg.Connection[Any],
    tables: Mapping[str, Table],
    link: Link,
    family: _Family,
    before: Mapping[str, int],
    cleared: list[str],
) -> Rehearsal:
    """Count what was written since: rows that are gone, and rows that bear this transaction's number or a later one."""
    new = "(t.xmin::text::bigint - (pg_current_xact_id()::text::bigint % 4294967296)) >= 0"
    along = {}
    for name, table in _stored(tables):
        gone, changed = before[name] - _count(connection, table), _count(connection, table, new)
        if gone or changed:
            along[name] = Along(gone, changed, len(family.taken.get(name, ())))
    child = tables[link.child]
    null = " or ".join(f"t.{quoted(column)} is null" for column in link.columns)
    known = f"{_name(child, link)} = any(array[{', '.join(map(literal, family.names))}]::text[])"
    nulled = _count(connection, child, f"{known} and ({null})")
    left = _count(connection, child, f"{known} and ({family.mine})")
    defaulted = _count(connection, child, known) - nulled - left
    deleted = len(family.names) - nulled - left - defaulted
    fates: dict[Fate, int] = {"deleted": deleted, "nulled": nulled, "defaulted": defaulted, "left": left}
    met = [fate for fate, count in fates.items() if count]
    why = f"after the children by {', '.join(cleared)} were cleared away" if cleared else None
    fate = met[0] if len(met) == 1 else "mixed"
    return Rehearsal(link, fate, len(family.names), deleted, nulled, defaulted, left, None, along, why)
