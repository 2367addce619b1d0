"""The draft of a database of which nothing but its address is known: its tables, and what refers to what.

Everything comes from the catalogue and from the values: what PostgreSQL enforces is certain, what only the values say
is offered and not declared. So a run of the draft accuses nothing that the database does not say of itself.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dsaudit import naming
from dsaudit.database import QueryError
from dsaudit.database.shape import Shape
from dsaudit.drafting import ownership, roles
from dsaudit.drafting.draft import Draft
from dsaudit.drafting.sections import table_name
from dsaudit.drafting.system import System
from dsaudit.facts.schema import constraints
from dsaudit.facts.schema.constraints import Constraints, ForeignKey
from dsaudit.facts.suggested import Suggestion, evident
from dsaudit.verdict.card import plural

BLUEPRINT = "data_integrity"
LISTED = 8  # names in a remark
NAME = 63  # letters that a resource's name has at most
KINDS = {"v": "view", "m": "materialised view", "f": "foreign table"}


@dataclass(frozen=True)
class Known:
    """The audited tables by object id, each with its resource, and what the catalogue says of all tables."""

    tables: Mapping[int, Shape]
    names: Mapping[int, str]
    facts: Constraints

    def end(self, oid: int, column: str) -> str:
        """Return a column as a relation names it."""
        return f"{self.names[oid]}.{column}"


def put_integrity(draft: Draft, system: System) -> None:
    """Set the tables with their keys, the foreign keys, and what keeps tenants apart; offer what only values say.

    Raises
    ------
    QueryError
        PostgreSQL's own catalogue cannot be read.
    """
    database = system.sampler.database
    tables = {oid: one for oid, one in system.tables.items() if one.kind in "rp" and not roles.is_bookkeeping(one)}
    known = Known(tables, _names(tables.values()), constraints.read(database))
    for oid, shape in tables.items():
        _put_table(draft, known.names[oid], shape, known, system.tables)
    _tell_left_out(draft, system, tables)
    owned = ownership.owned_by(database, tables, known.names)
    owners = owned.columns if owned else []
    _put_relations(draft, known, owners)
    _offer_relations(draft, system, known, owners)
    if owned:
        ownership.put(draft, owned)
    else:
        ownership.offer(draft, tables, known.names)
    _offer_performance(draft, system, known)


def _names(tables: Iterable[Shape]) -> dict[int, str]:
    """Return a resource's name for each table: the table's, and before it the schema where it would not be the only."""
    found: dict[int, str] = {}
    bare = {one.oid: naming.one(one.name) for one in tables}
    for one in tables:
        shared = sum(name == bare[one.oid] for name in bare.values()) > 1
        name = f"{naming.snake(one.schema)}_{bare[one.oid]}" if shared else bare[one.oid]
        name = name if re.match("[a-z]", name) else f"table_{name}".rstrip("_")
        name, number = name[:NAME], 1
        while name in found.values():
            number += 1
            name = f"{name[: NAME - 4].removesuffix(f'_{number - 1}')}_{number}"
        found[one.oid] = name
    return found


def _put_table(draft: Draft, name: str, shape: Shape, known: Known, tables: Mapping[int, Shape]) -> None:
    at = f"resources.{name}"
    draft.put(f"{at}.table", table_name(shape, tables.values()))
    filled = [key for key in shape.unique if all((shape.oid, column) in known.facts.filled for column in key)]
    key = shape.primary or next(iter(sorted(filled, key=len)), ())
    if not key:
        draft.note(at, "key: there is no primary key and no unique constraint without nulls; rows are told by place")
        return
    draft.put(f"{at}.key", key[0] if len(key) == 1 else list(key))


def _tell_left_out(draft: Draft, system: System, tables: Mapping[int, Shape]) -> None:
    """Say which relations of the catalogue are no resources, and why."""
    if not tables:
        draft.ask("resources", "no table was recognised: the database has none, or this role may read none")
    for kind, word in KINDS.items():
        found = [table_name(one, system.tables.values()) for one in system.tables.values() if one.kind == kind]
        if found:
            draft.note("resources", f"{plural(len(found), word)}, on which no constraint can be: {_listed(found)}")
    kept = [one.name for one in system.tables.values() if one.kind in "rp" and one.oid not in tables]
    if kept:
        draft.note("resources", f"tables of a tool for migrations: {_listed(kept)}")
    hidden = [row["name"] for row in system.sampler.database.query(HIDDEN, most=None).records]
    if hidden:
        what = plural(len(hidden), "table")
        draft.ask(
            "resources", f"{what} that this role may not read, and of which nothing is audited: {_listed(hidden)}"
        )


def _listed(names: Sequence[str]) -> str:
    more = len(names) - LISTED
    return ", ".join(sorted(names)[:LISTED]) + (f" and {more} more" if more > 0 else "")


def _put_relations(draft: Draft, known: Known, owners: Collection[str]) -> None:
    """Set the foreign keys between the tables; those of several columns can be none, unless they are the tenant's."""
    declared: dict[tuple[str, str], ForeignKey] = {}
    for key in _of_tables(known):
        pairs = [pair for pair in key.pairs if pair[0] != pair[1] or pair[0] not in owners] or list(key.pairs)
        ends = known.end(key.child, pairs[0][0]), known.end(key.parent, pairs[0][1])
        if len(pairs) > 1 or any("." in name for name in pairs[0]):
            draft.note("relations", f"{key.name}, a foreign key of several columns: {_told(known, key)}")
        elif ends not in declared:
            declared[ends] = key
            is_nullable = (key.child, pairs[0][0]) not in known.facts.filled
            rule, why = _rule(key, is_nullable)
            value = {"child": ends[0], "parent": ends[1], "nullable": is_nullable, "on_delete": rule}
            draft.put(f"relations.{len(declared)}", {name: told for name, told in value.items() if told}, why)
        elif declared[ends].rule != key.rule:
            draft.ask("relations", f"{key.name}, a second foreign key on {ends[0]}, has another rule: {key.rule}")
    for (root, parent, pair), count in _of_partitions(known).items():
        ends = known.end(root, pair[0]), known.end(parent, pair[1])
        if ends not in declared and "." not in pair[0] + pair[1]:
            of = plural(len(known.facts.leaves[root]), "partition")
            why = f"{count} of {of} have a foreign key, the table itself has none"
            nullable = {"nullable": True} if (root, pair[0]) not in known.facts.filled else {}
            draft.put(
                f"relations.of_partitions_{'_'.join(ends)}", {"child": ends[0], "parent": ends[1], **nullable}, why
            )


def _of_tables(known: Known) -> list[ForeignKey]:
    """Return the foreign keys between the tables, in the order of the file."""
    order = {oid: place for place, oid in enumerate(known.tables)}
    own = [key for key in known.facts.foreign_keys if {key.child, key.parent} <= {*order} and not key.is_inherited]
    return sorted(own, key=lambda key: order[key.child])


def _of_partitions(known: Known) -> Counter[tuple[int, int, tuple[str, str]]]:
    """Count the partitions that have a foreign key of one column which their table has not, by table and columns."""
    root = {leaf: table for table, leaves in known.facts.leaves.items() if table in known.tables for leaf in leaves}
    return Counter(
        (root[key.child], key.parent, key.pairs[0])
        for key in known.facts.foreign_keys
        if key.child in root and key.parent in known.tables and len(key.pairs) == 1 and not key.is_inherited
    )


def _rule(key: ForeignKey, is_nullable: bool) -> tuple[str | None, str | None]:
    """Return the delete rule of a foreign key, and what is wrong with it: then no file can declare it."""
    if key.problem:
        return key.rule if is_nullable or key.rule != "set_null" else None, f"{key.name} is there, but {key.problem}"
    if key.rule == "set_null" and not is_nullable:
        return None, f"{key.name} sets null in a column that is NOT NULL, and so refuses each deletion"
    return key.rule, None


def _told(known: Known, key: ForeignKey) -> str:
    children, parents = (", ".join(names) for names in zip(*key.pairs, strict=True))
    return f"{known.names[key.child]} ({children}) → {known.names[key.parent]} ({parents}), {key.rule}"


def _offer_relations(draft: Draft, system: System, known: Known, owners: Sequence[str]) -> None:
    """Offer the references that no constraint holds, with how many values are found and how many rows are orphans."""
    resources = {oid: [name] for oid, name in known.names.items()}
    said = {(oid, column) for oid in known.tables for column in owners}
    said |= {(oid, one.primary[0]) for oid, one in known.tables.items() if len(one.primary) == 1}
    small = {oid for oid, one in known.tables.items() if not one.is_large}
    for child, parent, one in evident(system.sampler.database, known.facts, resources, said, small):
        if parent in known.names:
            nullable = (child, one.column) not in known.facts.filled
            value = {"child": known.end(child, one.column), "parent": known.end(parent, one.key)}
            draft.offer("relations", {**value, **({"nullable": True} if nullable else {})}, _evidence(one))


def _evidence(one: Suggestion) -> str:
    share = f"{100 * one.found / one.values:.4g} % of {plural(one.values, 'different value')} are there"
    lost = (
        "orphans were not counted"
        if one.orphans is None
        else f"{plural(one.orphans, 'row')} refer{'s' * (one.orphans == 1)} to none"
    )
    return f"no constraint holds it, but it refers there by its name and type, and {share}; {lost}"


def _offer_performance(draft: Draft, system: System, known: Known) -> None:
    """Offer a limit for the statements that the server has counted, or an example of a query."""
    try:
        counted = system.sampler.database.query(COUNTED).rows
    except QueryError:
        counted = []
    if counted:
        why = "pg_stat_statements is there; every statement that takes longer on average would fail"
        draft.offer("performance", {"statement_milliseconds": 500}, why)
        return
    simple = [(oid, one) for oid, one in known.tables.items() if len(one.primary) == 1 and "%" not in one.name]
    if not simple:
        return
    children = [key.parent for key in known.facts.foreign_keys]
    oid, shape = max(simple, key=lambda item: children.count(item[0]))
    key, table = shape.primary[0], f"{_quoted(shape.schema)}.{_quoted(shape.name)}"
    name = known.names[oid]
    query: dict[str, Any] = {"name": f"{name}_by_key", "sql": f"select * from {table} where {_quoted(key)} = %(key)s"}
    query["drawn"] = {"key": known.end(oid, key)}
    why = "an example; nothing tells which queries have to stay quick, as pg_stat_statements is not there"
    draft.offer("performance", {"queries": [query]}, why)


def _quoted(name: str) -> str:
    return name if re.fullmatch("[a-z_][a-z0-9_]*", name) else '"' + name.replace('"', '""') + '"'


HIDDEN = """
select n.nspname || '.' || c.relname as name from pg_catalog.pg_class as c
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and not c.relispartition and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  and not pg_catalog.has_any_column_privilege(c.oid, 'select')
order by 1
"""

COUNTED = "select 1 from pg_catalog.pg_extension where extname = 'pg_stat_statements'"
