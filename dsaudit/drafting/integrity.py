"""The draft of a database of which nothing but its address is known: its tables, and what refers to what.

Everything comes from the catalogue and from the values: what PostgreSQL enforces is certain, what only the values say
is offered and not declared. So a run of the draft accuses nothing that the database does not say of itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
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
    _put_relations(draft, known, set(owned.columns) if owned else set())
    _offer_relations(draft, system, known, owned.columns if owned else [])
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
        draft.note(at, "key, which nothing tells: the table has no primary key and no unique constraint without nulls")
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
        draft.ask("resources", f"{what} that this role may not read, and of which nothing is audited: {_listed(hidden)}")


def _listed(names: Sequence[str]) -> str:
    more = len(names) - LISTED
    return ", ".join(sorted(names)[:LISTED]) + (f" and {more} more" if more > 0 else "")


def _put_relations(draft: Draft, known: Known, owners: set[str]) -> None:
    """Set the foreign keys between the tables; those of several columns can be none, unless they are the tenant's."""
    declared: dict[tuple[str, str], str] = {}
    keys = [one for one in known.facts.foreign_keys if {one.child, one.parent} <= set(known.tables)]
    order = list(known.tables)
    for key in sorted(keys, key=lambda one: order.index(one.child)):
        pairs = [(child, parent) for child, parent in key.pairs if child != parent or child not in owners]
        pairs = pairs or list(key.pairs)
        if key.is_inherited:
            continue
        if len(pairs) > 1 or any("." in name for name in pairs[0]):
            draft.note("relations", f"{key.name}, a foreign key of several columns: {_told(known, key)}")
            continue
        ends = known.end(key.child, pairs[0][0]), known.end(key.parent, pairs[0][1])
        if ends in declared:
            if declared[ends] != key.rule:
                words = f"{key.name}, a second foreign key on {ends[0]}, with another rule: {key.definition}"
                draft.ask("relations", words)
            continue
        declared[ends] = key.rule
        nullable = (key.child, pairs[0][0]) not in known.facts.filled
        value = {"child": ends[0], "parent": ends[1], **({"nullable": True} if nullable else {})}
        # What sets null in a column that is NOT NULL refuses the deletion; a file that says so is not accepted.
        rule = key.rule if nullable or key.rule != "set_null" else None
        why = key.problem or (None if rule else f"{key.name} sets null, and the column is NOT NULL")
        if key.problem:
            why = f"{key.name} is there, but {key.problem}"
        draft.put(f"relations.{len(declared)}", {**value, **({"on_delete": rule} if rule else {})}, why)


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
    if one.orphans is None:
        return f"no constraint holds it, but by its name and type it refers there, and {share}; orphans were not counted"
    return f"no constraint holds it, but by its name and type it refers there, and {share}; {_orphans(one.orphans)}"


def _orphans(count: int) -> str:
    return "no row is an orphan" if not count else f"{plural(count, 'row')} would be {'an orphan' if count == 1 else 'orphans'}"


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
