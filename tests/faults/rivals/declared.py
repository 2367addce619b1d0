"""What somebody who knows the system, but not the fault, would have a tool of rules hold: the same for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import psycopg

from dsaudit.parameters import Parameters, Resource
from tests.faults.rivals.known import ALL_WELL, KNOWN

Kind = Literal["not_null", "unique", "accepted", "empty", "relation", "types", "fresh", "count"]
Schema = dict[str, dict[str, tuple[str, bool]]]  # table, column: its type, and whether it may not be null
Counts = dict[tuple[str, str], int]  # resource and tenant's name: the number of records that the source says it has

_COLUMNS = """
select c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull
from pg_attribute as a join pg_class as c on c.oid = a.attrelid
where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped
order by c.relname, a.attnum
"""


@dataclass(frozen=True)
class Rule:
    """One rule of one table. `where` narrows it to some rows; what the other names hold depends on the kind."""

    kind: Kind
    table: str
    columns: tuple[str, ...] = ()
    where: str = ""
    values: tuple[str, ...] = ()  # of accepted: all that there may be; of types: the type of each column
    parent: tuple[str, str] = ("", "")  # of relation: table and column
    seconds: float = 0  # of fresh: how old the newest row may be, in each group of the columns but the last
    rows: int = 0  # of count

    @property
    def name(self) -> str:
        """Tells it from all others."""
        columns = "" if self.kind == "types" else ", ".join(self.columns)
        return " ".join(part for part in (self.kind, self.table, columns, self.where) if part)


def schema_of(url: str) -> Schema:
    """The columns of each table of a clean system."""
    found: Schema = {}
    with psycopg.connect(url) as connection:
        for table, column, kind, is_mandatory in connection.execute(_COLUMNS):
            found.setdefault(table, {})[column] = kind, is_mandatory
    return found


def rules_of(parameters: Parameters, schema: Schema, counts: Counts) -> list[Rule]:
    """All rules, none twice.

    `parameters` and `schema` are the clean system's, but for the limits and `counts`, which are of the moment.
    """
    return list(
        dict.fromkeys(
            [
                *_columns(parameters, schema),
                *_keys(parameters),
                *_relations(parameters),
                *_by_hand(parameters),
                *_counts(parameters, counts),
            ]
        )
    )


def _columns(parameters: Parameters, schema: Schema) -> Iterator[Rule]:
    """Of the tables that the file names: each column's type, and whether it may be null."""
    sections = (parameters.raw, parameters.deliveries, parameters.syncs, parameters.record)
    named = {resource.table for resource in parameters.resources.values()} | {one.table for one in sections if one}
    for table in sorted(named):
        columns = schema[table]
        yield Rule("types", table, tuple(columns), values=tuple(kind for kind, _ in columns.values()))
        for column, (_, is_mandatory) in columns.items():
            if is_mandatory:
                yield Rule("not_null", table, (column,))


def _keys(parameters: Parameters) -> Iterator[Rule]:
    for resource in parameters.resources.values():
        for column in resource.whole_key:
            yield Rule("not_null", resource.table, (column,))
        yield Rule("unique", resource.table, tuple(resource.whole_key))


def _relations(parameters: Parameters) -> Iterator[Rule]:
    for relation in parameters.relations:
        child, column = relation.child.split(".")
        parent, parents_column = relation.parent.split(".")
        table = parameters.resources[child].table
        if not relation.nullable:
            yield Rule("not_null", table, (column,))
        yield Rule("relation", table, (column,), parent=(parameters.resources[parent].table, parents_column))


def _by_hand(parameters: Parameters) -> Iterator[Rule]:
    """What no schema tells: enumerations, what is empty where all is well, identities and limits of age."""
    known = KNOWN.get(parameters.example or "", ALL_WELL)
    for column, values in known.values.items():
        yield Rule("accepted", *_split(column), values=values)
    for column in known.empty:
        yield Rule("empty", *_split(column))
    for table, columns, where in known.unique:
        yield Rule("unique", table, columns, where)
    for table, columns, limit in known.fresh:
        days = parameters.policy.sync_age_days * 86400
        seconds = days if limit == "sync_age_days" else parameters.policy.silence_seconds
        yield Rule("fresh", table, columns, seconds=seconds)


def _split(column: str) -> tuple[str, tuple[str, ...]]:
    table, name = column.split(".")
    return table, (name,)


def _counts(parameters: Parameters, counts: Counts) -> Iterator[Rule]:
    tenants = {tenant.name: tenant.id for tenant in parameters.tenants}
    for (name, tenant), rows in counts.items():
        resource = parameters.resources[name]
        yield Rule("count", resource.table, where=living(resource, tenants[tenant]), rows=rows)


def living(resource: Resource, tenant: str = "") -> str:
    """The condition of rows that are not marked as deleted, perhaps of one tenant."""
    parts = [f"{resource.tenant} = '{tenant}'"] if tenant else []
    return " and ".join([*parts, *([f"{resource.deleted_by[0]} is null"] if resource.deleted_by[0] else [])])
