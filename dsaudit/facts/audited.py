"""What there is in the audited schemas, held against what this audit looks at. No row is read but those of tenants."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dsaudit.database import QueryError, RelationMissing
from dsaudit.database.expressions import quoted, value_of
from dsaudit.facts.relations import known, resources_of
from dsaudit.facts.schema.constraints import constraints
from dsaudit.facts.schema.declared import declared_tables
from dsaudit.parameters.apis import served
from dsaudit.parameters.ids import ANY_UUID

if TYPE_CHECKING:
    from dsaudit.audit import Audit

MOST_NAMED = 10
SHOWN_ID = re.compile(rf"\d{{1,20}}|{ANY_UUID}")  # a text may be a person's, or a company's


@dataclass(frozen=True)
class Coverage:
    """Of one kind: how many there are, which of them are left out, and what else has to be said of that."""

    kind: str
    there: int | None
    left_out: Sequence[str] = ()
    told: str = ""

    @property
    def audited(self) -> int | None:
        """How many of them the audit looks at."""
        return None if self.there is None else self.there - len(self.left_out)

    @property
    def named(self) -> str:
        """The names of what is left out, as many as a reader takes in."""
        more = len(self.left_out) - MOST_NAMED
        return ", ".join([*self.left_out[:MOST_NAMED], *([f"and {more} more"] if more > 0 else [])])


@dataclass(frozen=True)
class Stored:
    """A table that holds rows of its own, or a partitioned one; one without pages has never had a row."""

    oid: int
    schema: str
    name: str
    columns: tuple[str, ...]
    has_pages: bool
    is_readable: bool

    @property
    def place(self) -> str:
        """Its name, with its schema where that is not public."""
        return self.name if self.schema == "public" else f"{self.schema}.{self.name}"


def coverages(audit: Audit) -> list[Coverage]:
    """Return the coverage of each kind; what cannot be asked is told in its place."""
    return [
        *_asked("tables with data", _tables, audit),
        *_asked("foreign keys", _foreign_keys, audit),
        *_asked("constraints", _constraints, audit),
        *_asked("resources with an endpoint", _endpoints, audit),
        *_asked("tenants", _tenants, audit),
    ]


def stored(audit: Audit) -> list[Stored]:
    """Return the tables of the schemas that hold an audited one, without partitions; asked once.

    Raises
    ------
    QueryError
        The catalogue cannot be read.
    """
    found: list[Stored] | None = audit.kept.get("stored")
    if found is None:
        rows = audit.database.query(TABLES, {"schemas": _schemas(audit)}, most=None).records
        found = audit.kept["stored"] = [Stored(**{**row, "columns": tuple(row["columns"])}) for row in rows]
    return found


def named_by_the_file(audit: Audit) -> set[int]:
    """Return the object ids of all tables that the file names, in whatever section, and of those behind its views."""
    oids = set[int]()
    for name in declared_tables(audit.parameters.whole):
        try:
            oids.add(audit.relations.table(name).oid)
        except RelationMissing:
            continue  # another check says so
    return {row["oid"] for row in audit.database.query(BEHIND, {"oids": sorted(oids)}, most=None).records}


def _asked(kind: str, count: Callable[[Audit], Iterable[Coverage]], audit: Audit) -> list[Coverage]:
    try:
        return list(count(audit))
    except (QueryError, RelationMissing) as error:
        return [Coverage(kind, None, told=f"cannot be asked: {error}")]


def _schemas(audit: Audit) -> list[str]:
    names = constraints(audit).names
    return sorted({names[oid][0] for oid in resources_of(audit) if oid in names})


def _has_rows(audit: Audit, one: Stored) -> bool | None:
    """Return whether a table has a row, as a page of it may hold none that is alive; None where nobody may look."""
    if not one.has_pages or not one.is_readable:
        return None if one.has_pages else False
    try:
        asked = f"select exists (select from {quoted(one.schema)}.{quoted(one.name)})"
        return bool(audit.database.query(asked).rows[0][0])
    except QueryError:
        return None  # such as one whose policies hide rows from the auditor


def _tables(audit: Audit) -> Iterator[Coverage]:
    audited = set(resources_of(audit))
    has_rows = {one: one.oid in audited or _has_rows(audit, one) for one in stored(audit)}
    filled = [one for one, found in has_rows.items() if found]
    unknown = [one.place for one, found in has_rows.items() if found is None]
    told = f"not known, as the auditor may not read them: {', '.join(unknown[:MOST_NAMED])}" if unknown else ""
    yield Coverage("tables with data", len(filled), [one.place for one in filled if one.oid not in audited], told)


def _foreign_keys(audit: Audit) -> Iterator[Coverage]:
    names, places = constraints(audit).names, set(_schemas(audit))
    declared = {id(key) for _, one, _ in known(audit) if one for key in one.keys}
    keys = [
        key
        for key in constraints(audit).foreign_keys
        if not key.is_inherited and key.child in names and names[key.child][0] in places
    ]
    yield Coverage("foreign keys", len(keys), [f"{names[k.child][1]}.{k.name}" for k in keys if id(k) not in declared])


def _constraints(audit: Audit) -> Iterator[Coverage]:
    audited = set(resources_of(audit))
    rows = audit.database.query(CONSTRAINTS, {"schemas": _schemas(audit)}, most=None).records
    for kind in ("check constraints", "unique constraints"):
        own = [row for row in rows if row["kind"] == kind]
        yield Coverage(kind, len(own), [f"{row['table']}.{row['name']}" for row in own if row["oid"] not in audited])


def _endpoints(audit: Audit) -> Iterator[Coverage]:
    names = list(audit.parameters.resources)
    told = "" if audit.parameters.apis else "the file has no apis"
    left_out = [name for name in names if not served(audit.parameters, name)]
    yield Coverage("resources with an endpoint", len(names), left_out, told)


def _tenants(audit: Audit) -> Iterator[Coverage]:
    """Yield the tenants that the rows name, and say which of the file have no row."""
    ids, there = {one.id.casefold(): one.name for one in audit.parameters.tenants}, set[str]()
    for resource in audit.parameters.resources.values():
        if resource.tenant:
            table = audit.relations.table(resource.table)
            column = f"({value_of(resource.tenant, table)})::text"
            query = f"select distinct {column} as id from {quoted(table.schema)}.{quoted(table.name)} as x"
            found = audit.database.query(query, most=None).rows
            there |= {
                str(row[0]).casefold() for row in found if row[0] is not None
            }  # rows of nobody are judged as such
    strange = sorted(one for one in there if one not in ids)
    without = [name for one, name in ids.items() if one not in there]
    told = f"in the file and without a row: {', '.join(without)}" if without and there else ""
    left_out = [one if SHOWN_ID.fullmatch(one) else "one whose id is a text" for one in strange]
    yield Coverage("tenants", len(there), left_out, told)


TABLES = """
select c.oid::bigint as oid, n.nspname::text as schema, c.relname::text as name,
       array(select a.attname::text from pg_attribute as a
             where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped order by a.attnum) as columns,
       coalesce((select sum(pg_relation_size(t.relid)) from pg_partition_tree(c.oid) as t where t.isleaf),
                pg_relation_size(c.oid), 0) > 0 as has_pages,
       has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select') as is_readable
from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and not c.relispartition and n.nspname = any(%(schemas)s)
order by 2, 3
"""

CONSTRAINTS = """
select 'check constraints' as kind, c.oid::bigint as oid, c.relname::text as table, o.conname::text as name
from pg_constraint as o join pg_class as c on c.oid = o.conrelid join pg_namespace as n on n.oid = c.relnamespace
where o.contype = 'c' and c.relkind in ('r', 'p') and not c.relispartition and n.nspname = any(%(schemas)s)
union all
select 'unique constraints', c.oid::bigint, c.relname::text, own.relname::text
from pg_index as i join pg_class as own on own.oid = i.indexrelid join pg_class as c on c.oid = i.indrelid
join pg_namespace as n on n.oid = c.relnamespace
where i.indisunique and c.relkind in ('r', 'p') and not c.relispartition and n.nspname = any(%(schemas)s)
order by 1, 3, 4
"""

# The tables themselves, and what the views among them read.
BEHIND = """
with recursive behind as (
  select unnest(%(oids)s::oid[]) as oid
  union
  select d.refobjid from behind
  join pg_catalog.pg_rewrite as r on r.ev_class = behind.oid
  join pg_catalog.pg_depend as d on d.objid = r.oid and d.classid = 'pg_catalog.pg_rewrite'::regclass
    and d.refclassid = 'pg_catalog.pg_class'::regclass
)
select oid::bigint as oid from behind
"""
